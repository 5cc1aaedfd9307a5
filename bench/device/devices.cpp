// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "cpu/cpu.h"
#include "cuda/cuda.h"

namespace norma::bench {

const DeviceKind *const device_kinds[] = {&cpu_kind, &cuda_kind};
const size_t device_kind_count = std::size(device_kinds);

namespace {

template <typename Is>
const DeviceKind &find(const Is &is, const std::string &what) {
    const auto found = std::find_if(std::begin(device_kinds), std::end(device_kinds), is);
    if (found == std::end(device_kinds)) {
        throw std::out_of_range("there is no kind of device " + what);
    }
    return **found;
}

}  // namespace

const DeviceKind &device_kind(norma_device_type type) {
    return find([&](const DeviceKind *kind) { return kind->type == type; }, std::to_string(type));
}

const DeviceKind &device_kind(const std::string &word) {
    return find([&](const DeviceKind *kind) { return kind->word == word; }, word);
}

std::vector<Timing> measure_on(Device &device, const std::vector<std::function<void()>> &functions,
                               const Effort &effort) {
    std::vector<Timing> result;
    for (auto &ns : device.sample(functions, effort)) {
        result.push_back(summarize(std::move(ns)));
    }
    return result;
}

}  // namespace norma::bench
