// SPDX-License-Identifier: MIT
// norma/sharded.h for C++17.
#ifndef NORMA_SHARDED_HPP
#define NORMA_SHARDED_HPP

#include "norma.hpp"
#include "sharded.h"

namespace norma {

// Zeros, with the size set: slices of the same size, whole chunks of 1024 elements, and an all-gather.
inline norma_sharded_desc describe_sharded(const norma_plan_desc &norm, int32_t rank, int32_t ranks) {
    norma_sharded_desc desc = {};
    desc.size = sizeof desc;
    desc.norm = norm;
    desc.rank = rank;
    desc.ranks = ranks;
    return desc;
}

class ShardedPlan {
public:
    explicit ShardedPlan(const norma_sharded_desc &desc) {
        norma_sharded_plan *plan = nullptr;
        check(norma_sharded_plan_create(&desc, &plan));
        plan_.reset(plan);
    }

    // On CPUs, whose memory the workspace has. It is the run's until that returns, and the exchange's longer where that
    // says so. Throws norma::Error.
    void run(const norma_arguments &arguments, norma_execution execution, Workspace &workspace, norma_exchange exchange,
             void *communicator) const {
        size_t bytes = 0;
        check(norma_sharded_workspace_size(plan_.get(), rows(arguments), execution.threads, &bytes));
        workspace.attach(bytes, execution);
        check(norma_sharded_run(plan_.get(), &arguments, &execution, exchange, communicator));
    }

    // With a workspace of execution's own: on CUDA, memory of the device.
    void run(const norma_arguments &arguments, const norma_execution &execution, norma_exchange exchange,
             void *communicator) const {
        check(norma_sharded_run(plan_.get(), &arguments, &execution, exchange, communicator));
    }

    size_t workspace_size(Extent rows, int32_t threads = 0) const {
        size_t bytes = 0;
        check(norma_sharded_workspace_size(plan_.get(), rows.value, threads, &bytes));
        return bytes;
    }

private:
    struct Destroy {
        void operator()(norma_sharded_plan *plan) const { norma_sharded_plan_destroy(plan); }
    };
    std::unique_ptr<norma_sharded_plan, Destroy> plan_;
};

}  // namespace norma

#endif
