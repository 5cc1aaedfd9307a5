// SPDX-License-Identifier: MIT
// Which settings of the knobs of cuda_rows are worth tuning for a variant.
#include <algorithm>
#include <set>
#include <tuple>

#include "cuda_rows.h"

namespace norma {

namespace {

enum Scope { always, forward, strips };

struct Axis {
    const char *knob;
    Scope scope;
    std::vector<int> values;
    bool in_shape = true;  // it decides nothing but the shape
};

const Axis axes[] = {
    {"no_allocate", always, {0, 1}, false},      {"rows", always, {1, 2, 4, 8, 16}},
    {"elements", forward, {4, 8, 16, 32}},       {"strip_elements", strips, {4, 8, 16, 32}},
    {"strip_warps", strips, {8, 16, 24}},        {"any_warps", always, {4, 8, 16, 32}},
    {"warp_elements", forward, {8, 16, 32, 64}},
};

CudaShape shape_of(const nlohmann::json &knobs, const Variant &variant) {
    return cuda_shape(cuda_rows_knobs(knobs), variant);
}

auto tree(const CudaShape &shape) { return std::tuple(shape.vector, shape.warps, shape.chunks); }

// Equal where the kernels are.
auto code(const CudaShape &shape, nlohmann::json knobs) {
    for (const Axis &axis : axes) {
        if (axis.in_shape) {
            knobs.erase(axis.knob);
        }
    }
    return std::tuple(tree(shape), shape.rows, shape.sums_in_registers, knobs);
}

}  // namespace

bool cuda_rows_same_bits(const Variant &variant, const nlohmann::json &a, const nlohmann::json &b) {
    return tree(shape_of(a, variant)) == tree(shape_of(b, variant));
}

std::vector<nlohmann::json> cuda_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                   const Halide::Target &) {
    const Scope other = shape_of(defaults, variant).strips ? forward : strips;
    std::vector<std::pair<int, nlohmann::json>> found = {{0, defaults}};  // with how many knobs differ
    for (const Axis &axis : axes) {
        const size_t before = axis.scope == other ? 0 : found.size();
        for (int value : axis.values) {
            for (size_t i = 0; i < before; i++) {
                auto [differ, knobs] = found[i];
                knobs[axis.knob] = value;
                found.emplace_back(differ + 1, knobs);
            }
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
    std::set<decltype(code({}, {}))> known;
    std::vector<nlohmann::json> list;
    for (const auto &[differ, knobs] : found) {
        const bool legal = cuda_rows_refusal(cuda_rows_knobs(knobs), variant).empty();
        if (legal && known.insert(code(shape_of(knobs, variant), knobs)).second && differ != 0) {
            list.push_back(knobs);
        }
    }
    return list;
}

}  // namespace norma
