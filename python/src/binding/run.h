// SPDX-License-Identifier: MIT
// One run of a norm with arrays of Python: tensors by role, as runtime/vocabulary/tensors.h lists them. What a variant
// writes and the caller did not give is allocated.
#pragma once

#include <memory>

#include "array.h"
#include "norma/norma.hpp"
#include "runtime/vocabulary/tensors.h"
#include "shard.h"

namespace norma::python {

struct Run {
    norma_plan_desc desc = {};
    norma_arguments arguments = {};
    norma_execution execution = {};
    bool wants_dbias = false;
    const Shard *shard = nullptr;          // null: arrays are whole
    nb::handle arrays[tensor_role_count];  // as given; borrowed
    nb::object made[tensor_role_count];    // allocated here
    float numbers[2] = {};                 // x_scale and y_scale, where they were given as numbers
    Leases leases;

    Run(norma_op op, double eps);

    // None and a null handle mean absent.
    void give(Role role, nb::handle array);
    norma_tensor &tensor(Role role) { return tensor_of(arguments, tensor_index(role)); }

    // Runs what was given, without the GIL where that takes longer than giving it up.
    void operator()();

    // The outputs, in the order of the roles: one array, or a tuple of them.
    nb::object results();

    // The steps of a run that those of a plan have in common with it.
    void view_inputs();  // reads what was given into the arguments
    void choose_threads();

private:
    void describe();      // what the types of the arrays say of the kernel
    void make_outputs();  // allocates those that are missing
    void allow_in_place();
    std::shared_ptr<const norma::Plan> make_workspace();

    uint32_t wanted_ = 0;  // outputs of the variant, as bits of roles
    nb::object workspace_;
};

}  // namespace norma::python
