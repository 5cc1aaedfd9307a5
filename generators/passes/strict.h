// SPDX-License-Identifier: MIT
#pragma once

#include <Halide.h>

namespace norma {

// An operation on two numbers of one type that LLVM may neither reorder nor fuse.
inline Halide::Expr strict(Halide::Internal::Call::IntrinsicOp op, const Halide::Expr &a, const Halide::Expr &b) {
    return Halide::Internal::Call::make(a.type(), op, {a, b}, Halide::Internal::Call::PureIntrinsic);
}

}  // namespace norma
