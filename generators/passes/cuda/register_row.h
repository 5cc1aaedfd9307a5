// SPDX-License-Identifier: MIT
// What a block's threads keep over barriers, each for itself, in registers: Halide gives every thread a copy of the
// whole block's storage. Drops the threads' share of the index, which must leave a constant.
#pragma once

#include <Halide.h>

#include <string>

#include "kernel_pass.h"

namespace norma {

class RegisterRowPass : public KernelPass {
public:
    // Of `func`: element (v, warp, k) of a lane lies at v + vector * (warp + warps * k).
    // Throws std::logic_error where an access does not come out as a constant below `slots`, or there is none.
    RegisterRowPass(std::string func, int vector, int warps, int slots)
        : func_(std::move(func)), vector_(vector), warps_(warps), slots_(slots) {}

protected:
    void finish() override;
    using KernelPass::visit;
    Halide::Expr visit(const Halide::Internal::Load *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Store *op) override;
    Halide::Internal::Stmt visit(const Halide::Internal::Allocate *op) override;

private:
    bool is_ours(const std::string &name) const;
    Halide::Expr own(const Halide::Expr &index) const;

    std::string func_;
    int vector_, warps_, slots_;
    int loads_ = 0, stores_ = 0;
};

}  // namespace norma
