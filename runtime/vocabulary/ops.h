// SPDX-License-Identifier: MIT
// The ops: what the library knows of each beside its formula, which is in generators/algorithms.
#pragma once

#include "norma/norma.h"
#include "words.h"

namespace norma {

struct OpInfo {
    norma_op op;
    const char *name;
    const char *norm;   // without the direction, as on command lines
    bool backward;      // takes dy and writes dx, dweight and dbias
    bool has_mean;      // its statistics are mean and rstd, else rstd alone
    bool allows_hf;     // has the contract hf
    bool in_manifests;  // else it comes along with other ops
};

// Not in norma_op: adds up the strips of a backward's column sums; merges the moments of slices of rows.
inline constexpr norma_op strip_sum_op = static_cast<norma_op>(0), merge_op = static_cast<norma_op>(7);

inline constexpr OpInfo op_infos[] = {
    {NORMA_LAYER_NORM_FORWARD, "layer_norm_forward", "layer_norm", false, true, false, true},
    {NORMA_LAYER_NORM_BACKWARD, "layer_norm_backward", "layer_norm", true, true, false, true},
    {NORMA_RMS_NORM_FORWARD, "rms_norm_forward", "rms_norm", false, false, true, true},
    {NORMA_RMS_NORM_BACKWARD, "rms_norm_backward", "rms_norm", true, false, true, true},
    {strip_sum_op, "strip_sum", "strip_sum", false, false, false, false},
    {merge_op, "merge", "merge", false, false, false, false},
};

inline constexpr int32_t op_count = sizeof op_infos / sizeof op_infos[0];

// Null for a value that is not in the list.
constexpr const OpInfo *find_op(norma_op op) {
    for (const OpInfo &info : op_infos) {
        if (info.op == op) {
            return &info;
        }
    }
    return nullptr;
}

// Of a value of the list.
constexpr const OpInfo &info_of(norma_op op) { return *find_op(op); }

inline const char *op_name(norma_op op) {
    const OpInfo *info = find_op(op);
    return info ? info->name : nullptr;
}

constexpr bool is_backward(norma_op op) { return info_of(op).backward; }

// "rms_norm" is its forward. Null for a text that is no name.
inline const OpInfo *find_op(const char *name) {
    for (const OpInfo &info : op_infos) {
        if (info.in_manifests && (strcmp(info.name, name) == 0 || (!info.backward && strcmp(info.norm, name) == 0))) {
            return &info;
        }
    }
    return nullptr;
}

namespace ops_detail {

struct Table {
    Word words[op_count];
};

constexpr Table words_of_infos() {
    Table table = {};
    for (int32_t i = 0; i < op_count; i++) {
        table.words[i] = {static_cast<int32_t>(op_infos[i].op), op_infos[i].name};
    }
    return table;
}

inline constexpr Table table = words_of_infos();

}  // namespace ops_detail

inline constexpr Words op_words = ops_detail::table.words;

}  // namespace norma
