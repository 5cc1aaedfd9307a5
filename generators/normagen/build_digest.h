// SPDX-License-Identifier: MIT
// What this program was linked from, as the build hashed it.
#pragma once

namespace norma {

extern const char *const emitter_digest;   // of all that makes lowered code an object: Halide and norma_emit
extern const char *const compiler_digest;  // of all that makes a variant an object

}  // namespace norma
