// SPDX-License-Identifier: MIT
// The fields of a variant but its hidden class: one row says all that manifests, names of kernels, messages, JSON, the
// API's structs and the docs know of each. An option is a member of Variant and a row here.
#pragma once

#include "variant.h"

namespace norma {

struct Field {
    const char *key;     // in manifests, messages and JSON
    const char *what;    // in messages, with its article
    const char *type;    // in C++
    const char *prefix;  // of its part of a kernel's name; null where the word stands alone
    const char
        *fallback;  // where a manifest leaves it out: a word, or the key of the field that it follows; null: it may not
    Words words;
    bool (*allows)(int32_t value);  // whether any variant may have it; null: every word
    const char *follows[2];         // keys of fields, as words of a manifest: "x" is the type of x
    size_t offset;                  // in Variant
    size_t in_desc, in_info;        // in norma_plan_desc and norma_kernel_info; `absent` where it is not one of theirs
    const char *docs;               // in the table of docs/manifest.md
};

inline constexpr size_t absent = SIZE_MAX;

namespace fields_detail {

constexpr norma_dtype dtype(int32_t value) { return static_cast<norma_dtype>(value); }
constexpr bool of_x(int32_t value) { return info_of(dtype(value)).of_x; }
constexpr bool of_y(int32_t value) { return info_of(dtype(value)).of_y; }
constexpr bool float_or_none(int32_t value) { return dtype(value) == NORMA_NONE || is_float(dtype(value)); }
constexpr bool in_manifests(int32_t value) { return info_of(static_cast<norma_op>(value)).in_manifests; }

}  // namespace fields_detail

// In the order in which a manifest's words are resolved: what a field follows stands above it.
inline constexpr Field fields[] = {
    {"op",
     "an op",
     "norma_op",
     nullptr,
     nullptr,
     op_words,
     fields_detail::in_manifests,
     {nullptr, nullptr},
     offsetof(Variant, op),
     offsetof(norma_plan_desc, op),
     offsetof(norma_kernel_info, op),
     "op"},
    {"x",
     "a type of x",
     "norma_dtype",
     "x_",
     nullptr,
     dtype_words,
     fields_detail::of_x,
     {nullptr, nullptr},
     offsetof(Variant, x),
     offsetof(norma_plan_desc, x),
     offsetof(norma_kernel_info, x),
     "type of x, and of dx. `i8` and `i32` for a forward"},
    {"y",
     "a type of y",
     "norma_dtype",
     "y_",
     "x",
     dtype_words,
     fields_detail::of_y,
     {"x", nullptr},
     offsetof(Variant, y),
     offsetof(norma_plan_desc, y),
     offsetof(norma_kernel_info, y),
     "type of y, or of dy. Quantized types are for a forward and need a `scale`; `u8` needs `tensor`"},
    {"y_float",
     "a type of y_float",
     "norma_dtype",
     "f_",
     "none",
     dtype_words,
     fields_detail::float_or_none,
     {"x", nullptr},
     offsetof(Variant, y_float),
     offsetof(norma_plan_desc, y_float),
     offsetof(norma_kernel_info, y_float),
     "type of a second y beside a quantized one"},
    {"weight",
     "a type of the weight",
     "norma_dtype",
     "w_",
     "none",
     dtype_words,
     fields_detail::float_or_none,
     {"x", nullptr},
     offsetof(Variant, weight),
     offsetof(norma_plan_desc, weight),
     offsetof(norma_kernel_info, weight),
     "type of weight and dweight"},
    {"bias",
     "a type of the bias",
     "norma_dtype",
     "b_",
     "none",
     dtype_words,
     fields_detail::float_or_none,
     {"weight", "x"},
     offsetof(Variant, bias),
     offsetof(norma_plan_desc, bias),
     offsetof(norma_kernel_info, bias),
     "type of bias and dbias"},
    {"residual",
     "a type of the residual",
     "norma_dtype",
     "r_",
     "none",
     dtype_words,
     fields_detail::float_or_none,
     {"x", nullptr},
     offsetof(Variant, residual),
     offsetof(norma_plan_desc, residual),
     offsetof(norma_kernel_info, residual),
     "type of residual and residual_out, or of d_residual"},
    {"scale",
     "a scale of y",
     "norma_scale",
     "q_",
     "none",
     scale_words,
     nullptr,
     {nullptr, nullptr},
     offsetof(Variant, scale),
     offsetof(norma_plan_desc, scale),
     offsetof(norma_kernel_info, scale),
     "scale of a quantized y ([quantized.md](quantized.md))"},
    {"statistics",
     "a source of statistics",
     "Statistics",
     "s_",
     "saved",
     statistics_words,
     nullptr,
     {nullptr, nullptr},
     offsetof(Variant, statistics),
     absent,
     absent,
     "of a backward: saved by the forward, or recomputed from x ([backward.md](backward.md)); `partial` and `merged` "
     "for slices of rows ([many-machines.md](many-machines.md))"},
    {"alignment",
     "an alignment",
     "Alignment",
     "a_",
     "natural",
     alignment_words,
     nullptr,
     {nullptr, nullptr},
     offsetof(Variant, alignment),
     absent,
     absent,
     "of device `cuda`: `natural`, data and row strides of 16 bytes; `any`, for slower accesses and the same bits "
     "([cuda.md](cuda.md#alignment))"},
    {"contract",
     "a contract",
     "norma_contract",
     nullptr,
     "fp32_once",
     contract_words,
     nullptr,
     {nullptr, nullptr},
     offsetof(Variant, contract),
     offsetof(norma_plan_desc, contract),
     offsetof(norma_kernel_info, contract),
     "`hf` is for rms_norm without bias; `relaxed` for a forward that is not quantized, with promises about its error "
     "alone ([numerics.md](numerics.md))"},
};

inline constexpr int32_t field_count = sizeof fields / sizeof fields[0];

// The fields with a prefix, in the order of a kernel's name. Names are promised: new ones go to the end.
inline constexpr const char *order_in_names[] = {"x_", "w_", "b_", "r_", "y_", "f_", "q_", "s_", "a_"};

// Null for a text that is no key; or no prefix.
inline const Field *find_field(const char *key) {
    for (const Field &field : fields) {
        if (strcmp(field.key, key) == 0) {
            return &field;
        }
    }
    return nullptr;
}

inline const Field *field_with_prefix(const char *prefix) {
    for (const Field &field : fields) {
        if (field.prefix && strcmp(field.prefix, prefix) == 0) {
            return &field;
        }
    }
    return nullptr;
}

// The value of a field at its place in a Variant or another struct.
inline int32_t value_at(const void *record, size_t offset) {
    int32_t value = 0;
    memcpy(&value, static_cast<const char *>(record) + offset, sizeof value);
    return value;
}

inline void set_value_at(void *record, size_t offset, int32_t value) {
    memcpy(static_cast<char *>(record) + offset, &value, sizeof value);
}

inline int32_t value_of(const Variant &variant, const Field &field) { return value_at(&variant, field.offset); }

// The value where a manifest leaves the field out.
inline int32_t fallback_of(const Variant &variant, const Field &field) {
    const Field *followed = field.fallback ? find_field(field.fallback) : nullptr;
    const Word *word = field.fallback ? field.words.find(field.fallback) : nullptr;
    return followed ? value_of(variant, *followed) : word ? word->value : 0;
}

// The flag of a desc and of a kernel's info that stands for it.
constexpr uint32_t flag_of(Statistics statistics) {
    return statistics == Statistics::recomputed ? NORMA_RECOMPUTE_STATISTICS
           : statistics == Statistics::partial  ? NORMA_PARTIAL_STATISTICS
           : statistics == Statistics::merged   ? NORMA_MERGED_STATISTICS
                                                : 0;
}

constexpr Statistics statistics_of(uint32_t flags) {
    return flags & NORMA_RECOMPUTE_STATISTICS ? Statistics::recomputed
           : flags & NORMA_PARTIAL_STATISTICS ? Statistics::partial
           : flags & NORMA_MERGED_STATISTICS  ? Statistics::merged
                                              : Statistics::saved;
}

// Of a desc whose zeros are replaced by what they mean: a kernel for it would have this variant.
inline Variant variant_of(const norma_plan_desc &desc) {
    Variant variant;
    for (const Field &field : fields) {
        if (field.in_desc != absent) {
            set_value_at(&variant, field.offset, value_at(&desc, field.in_desc));
        }
    }
    variant.statistics = statistics_of(desc.flags);
    variant.hidden = {1, static_cast<int32_t>(desc.hidden), 0};
    return variant;
}

// Null for a value without a word.
inline const char *word_of(const Variant &variant, const Field &field) {
    return field.words.name(value_of(variant, field));
}

}  // namespace norma
