// SPDX-License-Identifier: MIT
// The plans of norma_run, around fork: the child has those that the parent had. One in use by a thread that the child
// does not have is never freed.
#pragma once

namespace norma {

void hold_cache();
void release_cache();

}  // namespace norma
