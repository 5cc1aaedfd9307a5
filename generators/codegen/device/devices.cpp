// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "cpu/cpu_codegen.h"
#include "cuda/cuda_codegen.h"

namespace norma {

const DeviceCodegen *const device_codegens[] = {&cpu_codegen, &cuda_codegen};
const size_t device_codegen_count = std::size(device_codegens);

namespace {

template <typename Is>
const DeviceCodegen &find(const Is &is) {
    const auto found = std::find_if(std::begin(device_codegens), std::end(device_codegens), is);
    if (found == std::end(device_codegens)) {
        throw std::logic_error("no kind of device is for the target");
    }
    return **found;
}

}  // namespace

const DeviceCodegen &device_codegen(norma_device_type type) {
    return find([&](const DeviceCodegen *device) { return device->type == type; });
}

const DeviceCodegen &device_of(const TargetSpec &target) {
    const Halide::Target halide(target.halide);
    return find([&](const DeviceCodegen *device) { return device->is_for(halide); });
}

const Strategy &default_strategy(const Variant &variant, const TargetSpec &target) {
    const DeviceCodegen &device = device_of(target);
    return find_strategy(variant.op == strip_sum_op ? device.strip_sum
                         : variant.op == merge_op   ? device.merge
                                                    : device.rows);
}

}  // namespace norma
