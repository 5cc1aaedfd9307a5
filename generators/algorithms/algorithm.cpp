// SPDX-License-Identifier: MIT
#include "algorithm.h"

#include <map>
#include <stdexcept>

namespace norma {

namespace {

std::map<norma_op, Algorithm> &algorithms() {
    static std::map<norma_op, Algorithm> known;
    return known;
}

}  // namespace

RegisterAlgorithm::RegisterAlgorithm(norma_op op, Algorithm algorithm) { algorithms()[op] = algorithm; }

Algorithm find_algorithm(norma_op op) {
    const auto found = algorithms().find(op);
    if (found == algorithms().end()) {
        const char *name = op_name(op);
        throw std::invalid_argument(std::string(name ? name : "the op") + " has no algorithm in generators/algorithms");
    }
    return found->second;
}

}  // namespace norma
