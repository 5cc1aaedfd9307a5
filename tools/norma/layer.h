// SPDX-License-Identifier: MIT
// The norms that a safetensors file holds: PREFIX.x, and PREFIX.weight and PREFIX.bias where there are.
#pragma once

#include <norma/norma.h>

#include <string>
#include <vector>

#include "tools/safetensors/safetensors.h"

namespace norma::tool {

// Elements of one type; NORMA_NONE and empty where there are none.
struct Data {
    norma_dtype dtype = NORMA_NONE;
    std::vector<char> bytes;

    std::vector<double> row(int64_t index, int64_t hidden) const;  // empty where there are none
};

struct Layer {
    std::string name;
    int64_t rows = 0, hidden = 0;
    Data x, weight, bias;
};

// Throws InputError where a tensor is missing, or not what a norm takes. Without a prefix it is x, weight and bias.
Layer layer_of(const safetensors::File &file, const std::string &prefix, const std::string &path);

// Of each PREFIX.x; at least one, at most 1000.
std::vector<Layer> layers_of(const safetensors::File &file, const std::string &path);

// The layer with every tensor of f32 rounded to the type.
Layer cast_to(norma_dtype dtype, const Layer &layer);

}  // namespace norma::tool
