// SPDX-License-Identifier: MIT
#include "cuda_rows_knobs.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "generators/algorithms/numeric.h"
#include "runtime/vocabulary/variant_name.h"
#include "schedules/strategies/knob_table.h"

namespace norma {

namespace {

constexpr int lanes = 32, least_lanes = 4, most_warps = 32, widest_access = 16;
// Whose threads have registers for a row of two tensors.
constexpr int most_strip_warps = 24, most_strip_elements = 16 * 32 * most_strip_warps;

enum Scope { always, forward, strips };

const KnobTable<CudaRowsKnobs, Scope> knob_table = {
    "cuda_rows",
    {
        {"no_allocate", &CudaRowsKnobs::no_allocate, {0, 1}, always, {0, 1}},
        {"rows", &CudaRowsKnobs::rows, {1, 32}, always, {1, 2, 4, 8, 16}},
        {"elements", &CudaRowsKnobs::elements, {1, 64}, forward, {4, 8, 16, 32}},
        {"strip_elements", &CudaRowsKnobs::strip_elements, {1, 64}, strips, {4, 8, 16, 32}},
        {"strip_warps", &CudaRowsKnobs::strip_warps, {1, 32}, strips, {8, 16, 24}},
        {"again_warps", &CudaRowsKnobs::again_warps, {1, 32}, strips, {8, 12, 16}},
        {"rows_ahead", &CudaRowsKnobs::rows_ahead, {0, 3}, strips, {0, 1, 3}},
        {"load_again", &CudaRowsKnobs::load_again, {0, 1}, strips, {0, 1}},
        {"any_warps", &CudaRowsKnobs::any_warps, {1, 32}, always, {4, 8, 16, 32}},
        {"warp_elements", &CudaRowsKnobs::warp_elements, {1, 64}, forward, {8, 16, 32, 64}},
        {"least_elements", &CudaRowsKnobs::least_elements, {1, 64}, always, {1, 4, 8, 16, 32}},
    },
};

// As many elements of the narrowest activation as one access holds; 8-bit ones come half as wide.
int widest_vector(const Variant &variant) {
    int bytes = 4;
    for (norma_dtype type : {variant.x, variant.y, variant.residual}) {
        bytes = type == NORMA_NONE ? bytes : std::min(bytes, std::max(2, halide_type(type).bytes()));
    }
    return widest_access / bytes;
}

bool has_column_sums(const Variant &variant) {
    return is_backward(variant) && !is_partial(variant) && (variant.weight != NORMA_NONE || variant.bias != NORMA_NONE);
}

bool stores_f16(const Variant &variant) {
    return variant.y == NORMA_F16 || variant.residual == NORMA_F16 || variant.y_float == NORMA_F16;
}

// As many as the knob says, if shared memory holds them: of each activation and statistic of a row, that row and those
// before it. A quarter of one row ahead may come to where the present row's was, which takes registers.
int rows_ahead_of(const CudaRowsKnobs &knobs, const Variant &variant, const CudaShape &shape) {
    if (!shape.strips || shape.any_alignment) {
        return 0;
    }
    int elements = 0;  // of a thread, in bytes
    for (norma_dtype type : {variant.x, variant.y, variant.residual}) {
        const int of_vector = type == NORMA_NONE ? 0 : shape.vector * halide_type(type).bytes();
        if (of_vector != 0 && of_vector < int(sizeof(float))) {
            return 0;
        }
        elements += shape.chunks * of_vector;
    }
    const int statistics = 2 * sizeof(float) + (is_merged(variant) ? 2 * sizeof(double) : 0);
    constexpr int of_sums = 2 << 10;
    const int wanted = (knobs.rows_ahead + 1) * (elements + statistics) * shape.threads() + of_sums;
    const int in_place = knobs.rows_ahead == 1 ? elements * shape.threads() / 4 : 0;
    return wanted <= most_shared_bytes + in_place ? knobs.rows_ahead : 0;
}

// Where the sums over columns and the row's elements are.
void place_strip(const CudaRowsKnobs &knobs, const Variant &variant, CudaShape &shape) {
    const bool few = shape.warps <= knobs.strip_warps;
    shape.rows_ahead = rows_ahead_of(knobs, variant, shape);
    shape.load_again = shape.rows_ahead > 0 && shape.warps > 1 && (knobs.load_again != 0 || !few);
    shape.sums_in_registers = shape.strips && (few || (shape.load_again && shape.warps <= knobs.again_warps));
    if (!shape.sums_in_registers) {
        shape.rows_ahead = 0;
        shape.load_again = false;
    }
}

CudaShape shape_of(const nlohmann::json &knobs, const Variant &variant) {
    return cuda_shape(cuda_rows_knobs(knobs), variant);
}

// What decides the bits: the order of additions, and which products LLVM fuses with them, as it sees how often each is
// used.
auto tree(const CudaShape &shape) {
    return std::tuple(shape.vector, shape.lanes, shape.warps, shape.chunks, shape.load_again);
}

// Equal where the kernels are.
auto code(const CudaRowsKnobs &knobs, const Variant &variant) {
    const CudaShape shape = cuda_shape(knobs, variant);
    return std::tuple(tree(shape), shape.rows, shape.sums_in_registers, shape.rows_ahead,
                      shape.rows_ahead == 0 && knobs.no_allocate != 0);
}

}  // namespace

CudaRowsKnobs cuda_rows_knobs(const nlohmann::json &json) { return knob_table.parse(json); }

std::string cuda_rows_refusal(const CudaRowsKnobs &knobs, const Variant &variant) {
    if (const std::string why = knob_table.refusal(knobs); !why.empty()) {
        return why;
    }
    if (variant.hidden.exact % lanes != 0) {
        return "hidden is " + hidden_name(variant.hidden) + "; cuda_rows needs a multiple of " + std::to_string(lanes) +
               ", or one of the classes, as any";
    }
    const CudaShape shape = cuda_shape(knobs, variant);
    const bool is_too_long = shape.strips && shape.hidden > most_strip_elements;
    if (shape.in_registers() && (is_too_long || shape.warps > (shape.strips ? most_strip_warps : most_warps))) {
        return "hidden is " + hidden_name(variant.hidden) + ", which the registers of a block do not hold";
    }
    if (const int group = group_size(variant.scale); group > lanes * shape.vector) {
        return std::string("scale is ") + scale_words.name(variant.scale) +
               ", which the vectors of a warp do not hold where hidden is " + hidden_name(variant.hidden);
    }
    return "";
}

int CudaShape::alignment(const Variant &variant) const {
    if (vector == 1 || any_alignment) {
        return 0;
    }
    int bytes = 1;
    for (norma_dtype type : {variant.x, variant.y, variant.weight, variant.bias, variant.residual, variant.y_float}) {
        bytes = type == NORMA_NONE ? bytes : std::max(bytes, vector * halide_type(type).bytes());
    }
    return std::min(bytes, widest_access);
}

CudaShape cuda_shape(const CudaRowsKnobs &knobs, const Variant &variant) {
    CudaShape shape{variant.hidden.exact, widest_vector(variant), 1, 0, 1};
    shape.group = std::max(1, group_size(variant.scale));
    shape.any_alignment = variant.alignment == Alignment::any;
    shape.any_length = !shape.in_registers() && variant.hidden.most == 0;
    shape.strips = has_column_sums(variant);
    while (shape.in_registers() && shape.group == 1 && shape.lanes > least_lanes &&
           shape.hidden < shape.lanes * knobs.least_elements) {
        shape.lanes /= 2;
    }
    while (shape.in_registers() ? shape.hidden % (shape.lanes * shape.vector) != 0
                                : runs(variant).multiple % shape.vector != 0) {
        shape.vector /= 2;
    }
    if (shape.vector == 2 && stores_f16(variant)) {
        shape.vector = 1;  // LLVM stores a pair of f16 without converting it
    }
    if (!shape.in_registers()) {
        shape.warps = variant.hidden.most == 0 ? knobs.any_warps : 1;
        shape.rows = shape.warps == 1 ? knobs.rows : 1;
        return shape;
    }
    const int vectors = shape.hidden / (shape.lanes * shape.vector);
    auto held = [&] { return vectors / shape.warps * shape.vector; };
    const int most_held = shape.strips ? knobs.strip_elements : knobs.elements;
    if (held() > (shape.strips ? knobs.strip_elements : knobs.warp_elements)) {
        while (shape.warps <= most_warps && (vectors % shape.warps != 0 || held() > most_held)) {
            shape.warps++;
        }
    }
    shape.chunks = vectors / shape.warps;
    shape.rows = shape.warps == 1 ? knobs.rows * shape.rows_of_warp() : 1;
    place_strip(knobs, variant, shape);
    return shape;
}

bool cuda_rows_same_bits(const Variant &variant, const nlohmann::json &a, const nlohmann::json &b) {
    return tree(shape_of(a, variant)) == tree(shape_of(b, variant));
}

std::vector<nlohmann::json> cuda_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                   const Halide::Target &) {
    const Scope other = shape_of(defaults, variant).strips ? forward : strips;
    auto wanted = [&](const auto &knob, int) { return knob.scope != other; };
    std::set<decltype(code({}, {}))> known;
    std::vector<nlohmann::json> list;
    for (const nlohmann::json &json : knob_table.combinations(defaults, wanted)) {
        const CudaRowsKnobs knobs = cuda_rows_knobs(json);
        if (cuda_rows_refusal(knobs, variant).empty() && known.insert(code(knobs, variant)).second &&
            json != defaults) {
            list.push_back(json);
        }
    }
    return list;
}

}  // namespace norma
