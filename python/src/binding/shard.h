// SPDX-License-Identifier: MIT
// norma.Shard: the place of a slice among the ranks, and the Python function through which they exchange statistics.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "norma/sharded.h"

namespace nb = nanobind;

namespace norma::python {

struct Shard {
    int32_t rank, ranks;
    nb::object exchange;  // (kind, send, receive), with memory of float64
    std::vector<int64_t> slices;
    int64_t chunk;
    norma_exchange_kind kind;
};

// Throws what the exchange has thrown, as norma.Error's cause.
void run_sharded(const Shard &shard, const norma_plan_desc &desc, const norma_arguments &arguments,
                 const norma_execution &execution);

void define_shard(nb::module_ &module);

}  // namespace norma::python
