// SPDX-License-Identifier: MIT
#include "kernels.h"

#include "cuda_device.h"

#include <set>
#include <stdexcept>

namespace norma::test {
namespace {

std::set<std::string> &kernels_run() {
    static std::set<std::string> names;
    return names;
}

}  // namespace

void require_ok(norma_status status, const std::string &what) {
    if (status != NORMA_OK) {
        throw std::runtime_error(what + ": " + norma_status_string(status) + ": " + norma_last_error());
    }
}

std::vector<norma_kernel_info> all_kernels() {
    std::vector<norma_kernel_info> kernels(static_cast<size_t>(norma_kernel_count()));
    for (size_t i = 0; i < kernels.size(); i++) {
        kernels[i].size = sizeof(norma_kernel_info);
        require_ok(norma_get_kernel_info(static_cast<int32_t>(i), &kernels[i]), "norma_get_kernel_info");
    }
    return kernels;
}

std::string baseline_target() {
    std::string target;
    for (const norma_kernel_info &kernel : all_kernels()) {
        target = kernel.device == NORMA_CPU ? kernel.target : target;
    }
    return target;
}

std::vector<norma_kernel_info> runnable_kernels() {
    std::vector<norma_kernel_info> kernels;
    for (const norma_kernel_info &kernel : all_kernels()) {
        if (kernel.runnable && kernel.device == device_under_test()) {
            kernels.push_back(kernel);
        }
    }
    return kernels;
}

bool can_run(const norma_kernel_info &kernel, int64_t hidden) {
    if (kernel.hidden_exact != 0) {
        return hidden == kernel.hidden_exact;
    }
    return hidden % kernel.hidden_multiple == 0 && (kernel.hidden_most == 0 || hidden <= kernel.hidden_most);
}

std::string label(const norma_kernel_info &kernel) { return std::string(kernel.target) + "/" + kernel.name; }

norma_kernel_info find_kernel(norma_op op, norma_dtype x, norma_dtype weight, norma_dtype bias, norma_dtype residual) {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (kernel.op == op && kernel.x == x && kernel.y == x && kernel.weight == weight && kernel.bias == bias &&
            kernel.residual == residual && kernel.contract == NORMA_FP32_ONCE && kernel.hidden_multiple == 1 &&
            kernel.hidden_exact == 0 && kernel.hidden_most == 0 &&
            !(kernel.flags & (NORMA_PARTIAL_STATISTICS | NORMA_MERGED_STATISTICS))) {
            return kernel;
        }
    }
    throw std::runtime_error("the library lacks a kernel that the tests need");
}

void record_run(const char *target, const char *kernel) { kernels_run().insert(std::string(target) + "/" + kernel); }

bool was_run(const norma_kernel_info &kernel) { return kernels_run().count(label(kernel)) != 0; }

}  // namespace norma::test
