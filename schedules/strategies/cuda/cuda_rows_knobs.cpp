// SPDX-License-Identifier: MIT
// The knobs of cuda_rows, which variants it takes, and the shapes that follow.
#include <algorithm>
#include <stdexcept>

#include "cuda_rows.h"
#include "generators/algorithms/numeric.h"
#include "runtime/vocabulary/variant_name.h"

namespace norma {

namespace {

constexpr int lanes = 32, most_warps = 32, widest_access = 16;
constexpr int most_strip_warps = 24;  // whose threads have registers for a row of two tensors

struct Knob {
    const char *name;
    int CudaRowsKnobs::*member;
    int least, most;
};

const Knob knob_table[] = {
    {"elements", &CudaRowsKnobs::elements, 1, 64},
    {"warp_elements", &CudaRowsKnobs::warp_elements, 1, 64},
    {"rows", &CudaRowsKnobs::rows, 1, 32},
    {"any_warps", &CudaRowsKnobs::any_warps, 1, 32},
    {"strip_elements", &CudaRowsKnobs::strip_elements, 1, 64},
    {"strip_warps", &CudaRowsKnobs::strip_warps, 1, 32},
    {"no_allocate", &CudaRowsKnobs::no_allocate, 0, 1},
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
    return is_backward(variant) && (variant.weight != NORMA_NONE || variant.bias != NORMA_NONE);
}

bool stores_f16(const Variant &variant) {
    return variant.y == NORMA_F16 || variant.residual == NORMA_F16 || variant.y_float == NORMA_F16;
}

}  // namespace

CudaRowsKnobs cuda_rows_knobs(const nlohmann::json &json) {
    CudaRowsKnobs knobs;
    for (const auto &[key, value] : json.items()) {
        const std::string &name = key;
        auto knob =
            std::find_if(std::begin(knob_table), std::end(knob_table), [&](const Knob &k) { return name == k.name; });
        if (knob == std::end(knob_table)) {
            throw std::invalid_argument("\"" + name + "\" is not a knob of cuda_rows");
        }
        if (!value.is_number_integer()) {
            throw std::invalid_argument("knob " + name + " of cuda_rows is " + value.dump() + "; expected an integer");
        }
        knobs.*knob->member = value;
    }
    return knobs;
}

std::string cuda_rows_refusal(const CudaRowsKnobs &knobs, const Variant &variant) {
    for (const Knob &knob : knob_table) {
        const int value = knobs.*knob.member;
        if (value < knob.least || value > knob.most) {
            return knob.name + (" is " + std::to_string(value)) + "; expected " + std::to_string(knob.least) + " to " +
                   std::to_string(knob.most);
        }
    }
    if (variant.hidden.exact % lanes != 0) {
        return "hidden is " + hidden_name(variant.hidden) + "; cuda_rows needs a multiple of " + std::to_string(lanes) +
               ", or one of the classes, as any";
    }
    const CudaShape shape = cuda_shape(knobs, variant);
    if (shape.in_registers() && shape.warps > (shape.strips ? most_strip_warps : most_warps)) {
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
    while (shape.in_registers() ? shape.hidden % (lanes * shape.vector) != 0
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
    const int vectors = shape.hidden / (lanes * shape.vector);
    auto held = [&] { return vectors / shape.warps * shape.vector; };
    const int most_held = shape.strips ? knobs.strip_elements : knobs.elements;
    if (held() > (shape.strips ? knobs.strip_elements : knobs.warp_elements)) {
        while (shape.warps <= most_warps && (vectors % shape.warps != 0 || held() > most_held)) {
            shape.warps++;
        }
    }
    shape.chunks = vectors / shape.warps;
    shape.sums_in_registers = shape.strips && shape.warps <= knobs.strip_warps;
    shape.rows = shape.warps == 1 ? knobs.rows : 1;
    return shape;
}

}  // namespace norma
