// SPDX-License-Identifier: MIT
// One node of a model: a norm of fixed types and attributes, run with the tensors and threads of a session.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "norma/norma.h"
#include "ort_api.h"

namespace norma::ort {

// An input or output of an op, as a tensor of Norma.
struct Operand {
    enum Kind { activation, vector, statistic } kind;
    norma_tensor_role role;
    norma_tensor norma_arguments::*tensor;
};

struct Norm {
    const char *name;
    norma_op op;
    float eps;          // where the node has no attribute epsilon
    size_t required;    // inputs; the others and all outputs but the first may be absent
    Operand inputs[4];  // x first
    size_t input_count;
    Operand outputs[4];  // y first
    size_t output_count;
};

class Kernel {
public:
    Kernel(const Api &api, const Norm &norm, norma_dtype dtype, const KernelInfo *info);
    ~Kernel();
    Kernel(const Kernel &) = delete;
    Kernel &operator=(const Kernel &) = delete;

    // Any number of threads may run a kernel at once. On failure nothing is written.
    Status *run(KernelContext *context);

private:
    struct Shape;
    struct Bound;

    norma_arguments view(KernelContext *context, Shape &shape) const;
    void fit(const Operand &operand, const Value *value, size_t index, Shape &shape) const;  // refuses, or adds to it
    void lay_out(norma_tensor &tensor, const Operand &operand, const Shape &shape) const;
    void run(KernelContext *context, const norma_arguments &arguments, const Shape &shape);

    const Api &api_;
    const Norm &norm_;
    const norma_dtype dtype_;
    float eps_;
    int64_t axis_ = -1;
    std::atomic<Bound *> bound_{nullptr};  // that of the last run; null while one uses it
};

}  // namespace norma::ort
