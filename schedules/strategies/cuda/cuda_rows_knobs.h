// SPDX-License-Identifier: MIT
// The knobs of strategy cuda_rows: what they mean, which values and variants are legal, which are worth trying, and the
// shape of a kernel that follows from them.
#pragma once

#include <Halide.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/vocabulary/variant.h"

namespace norma {

struct CudaRowsKnobs {
    // Elements of a row that a thread holds, at most, where warps share a row. More hide latency, fewer leave room for
    // more threads.
    int elements = 32;
    // Likewise where one warp holds a row: it then needs neither barrier nor shared memory.
    int warp_elements = 32;
    // Elements of a row that a thread holds, at least: rows that are too short for 32 threads share a warp.
    int least_elements = 8;
    // Warps of a block where no more than one warp holds a row.
    int rows = 4;
    // Warps that share a row of any length, unless it is short.
    int any_warps = 8;
    // With column sums: elements of a row that a thread holds, at most. Each takes four registers, of x, dy and two
    // sums.
    int strip_elements = 32;
    // Warps of a block that have as many registers for themselves, and those that have them where outputs load a row
    // again. A longer row's sums are in memory.
    int strip_warps = 16, again_warps = 12;
    // With column sums: how many steps before its turn a row is copied to shared memory; 0: it is loaded in its step.
    int rows_ahead = 1;
    // With rows ahead: whether outputs load a row again from its copy in shared memory, which leaves registers for more
    // blocks or more sums, or have it in registers from its sums on.
    int load_again = 0;
    // Whether rows in registers leave the first-level cache to the weights.
    int no_allocate = 0;
};

CudaRowsKnobs cuda_rows_knobs(const nlohmann::json &json);                          // throws std::invalid_argument
std::string cuda_rows_refusal(const CudaRowsKnobs &knobs, const Variant &variant);  // empty when legal
// Legal settings, each of other code, those that differ from `defaults` in the fewest knobs first.
std::vector<nlohmann::json> cuda_rows_search_space(const Variant &variant, const nlohmann::json &defaults,
                                                   const Halide::Target &target);
bool cuda_rows_same_bits(const Variant &variant, const nlohmann::json &a, const nlohmann::json &b);

// Which thread holds which elements of a row: element v + vector * (lane + lanes * (warp + warps * k)). It decides the
// bits.
struct CudaShape {
    int hidden;  // 0: known at run time
    int vector, warps;
    int chunks;                      // vectors of a row that a thread holds; 0: known at run time
    int rows;                        // of a block
    int lanes = 32;                  // of a warp that share a row
    int group = 1;                   // elements that share a scale; 1: there are no groups
    bool any_alignment = false;      // elements are accessed one by one
    bool any_length = false;         // a thread may have to add any number of elements
    bool strips = false;             // a block takes one row after the other, for column sums
    bool sums_in_registers = false;  // until the end of the strip
    int rows_ahead = 0;              // copied to shared memory before their turn
    bool load_again = false;         // from there, for outputs
    bool in_registers() const { return hidden != 0; }
    int rows_of_warp() const { return 32 / lanes; }
    int threads() const { return lanes * warps * rows; }
    int alignment(const Variant &variant) const;  // of every address and row stride, in bytes
};

CudaShape cuda_shape(const CudaRowsKnobs &knobs, const Variant &variant);

inline constexpr int most_shared_bytes = 98 << 10;  // of a block, on every device; it keeps 1 KiB for itself

}  // namespace norma
