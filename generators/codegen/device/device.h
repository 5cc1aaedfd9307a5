// SPDX-License-Identifier: MIT
// A kind of device, as the compiler sees it. Each is a folder here and a line in devices.cpp.
#pragma once

#include "generators/codegen/kernel.h"
#include "schedules/strategies/strategies.h"

namespace norma {

struct DeviceCodegen {
    norma_device_type type;
    const char *constant;          // of `type`, in registries
    const char *name;              // of what its targets are for, in messages and lists
    const char *rows, *strip_sum;  // the strategies where nothing else is said
    const char *merge;             // likewise; null where the runtime itself merges moments
    bool sums_pairs;               // strips of both gradients of a backward are added up at once
    bool chooses_alignment;        // kernels come for aligned data, or for any
    bool chooses_at_run_time;      // targets say when results are streamed, and what a thread is worth
    bool by_default;               // its targets are compiled for where a manifest names none
    bool left_out;  // of a library without its targets, which has the runtime's no_NAME_device.h in its place

    bool (*is_for)(const Halide::Target &target);
    std::string (*missing)();                          // tools of the compiler; "" when it has all
    std::string (*refusal)(const TargetSpec &target);  // of what a target file says of the device, or ""
    int (*capability)(const TargetSpec &target);       // the least of a device, as the registry has it
};

extern const DeviceCodegen *const device_codegens[];
extern const size_t device_codegen_count;

const DeviceCodegen &device_codegen(norma_device_type type);
const DeviceCodegen &device_of(const TargetSpec &target);

// The one that a variant is lowered by where nothing else is said.
const Strategy &default_strategy(const Variant &variant, const TargetSpec &target);

}  // namespace norma
