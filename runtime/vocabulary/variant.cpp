// SPDX-License-Identifier: MIT
#include "variant.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace norma {

namespace {

constexpr std::pair<const char *, DType> dtypes[] = {
    {"none", DType::none},       {"f32", DType::f32}, {"f16", DType::f16},
    {"bf16", DType::bf16},       {"i8", DType::i8},   {"f8_e4m3", DType::f8_e4m3},
    {"f8_e5m2", DType::f8_e5m2}, {"u8", DType::u8},   {"i32", DType::i32}};
constexpr std::pair<const char *, Scale> scales[] = {{"none", Scale::none},         {"tensor", Scale::tensor},
                                                     {"row", Scale::row},           {"group_32", Scale::group_32},
                                                     {"group_64", Scale::group_64}, {"group_128", Scale::group_128}};
constexpr std::pair<const char *, Alignment> alignments[] = {{"natural", Alignment::natural}, {"any", Alignment::any}};
constexpr std::pair<const char *, Contract> contracts[] = {{"fp32_once", Contract::fp32_once}, {"hf", Contract::hf}};
constexpr std::pair<const char *, Statistics> sources_of_statistics[] = {{"saved", Statistics::saved},
                                                                         {"recomputed", Statistics::recomputed}};

template <typename Table, typename Value>
const char *word_of(const Table &table, Value value) {
    for (const auto &[word, meaning] : table) {
        if (meaning == value) {
            return word;
        }
    }
    throw std::logic_error("a value without a name");
}

template <typename Table>
auto parse(const Table &table, const std::string &text, const std::string &what) {
    std::string known;
    for (const auto &[word, meaning] : table) {
        if (text == word) {
            return meaning;
        }
        known += (known.empty() ? "" : ", ") + std::string(word);
    }
    throw std::invalid_argument("\"" + text + "\" is not a " + what + "; expected one of " + known);
}

constexpr std::pair<const char *, HiddenClass> hidden_classes[] = {
    {"any", {1, 0, 0}}, {"64n", {64, 0, 0}}, {"any_to_1024", {1, 0, 1024}}, {"64n_to_1024", {64, 0, 1024}}};

// The types in a name, by their prefixes.
constexpr std::pair<const char *, DType Variant::*> types_in_name[] = {
    {"x_", &Variant::x},        {"w_", &Variant::weight}, {"b_", &Variant::bias},
    {"r_", &Variant::residual}, {"y_", &Variant::y},      {"f_", &Variant::y_float}};

}  // namespace

std::string hidden_name(const HiddenClass &hidden) {
    if (hidden.exact != 0) {
        return std::to_string(hidden.exact);
    }
    for (const auto &[word, meaning] : hidden_classes) {
        if (meaning.multiple == hidden.multiple && meaning.most == hidden.most) {
            return word;
        }
    }
    throw std::logic_error("a hidden class without a name");
}

std::string name(const Variant &variant) {
    std::string text = variant.op;
    for (const auto &[prefix, type] : types_in_name) {
        if (variant.*type != DType::none) {
            text += std::string(".") + prefix + to_string(variant.*type);
        }
    }
    text += variant.scale == Scale::none ? "" : std::string(".q_") + to_string(variant.scale);
    text += variant.statistics == Statistics::saved ? "" : std::string(".s_") + to_string(variant.statistics);
    text += variant.alignment == Alignment::natural ? "" : std::string(".a_") + to_string(variant.alignment);
    return text + "." + to_string(variant.contract) + "." + hidden_name(variant.hidden);
}

Variant parse_name(const std::string &text) {
    std::vector<std::string> parts(1);
    for (char c : text) {
        if (c == '.') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    Variant variant;
    variant.op = parts.front();
    bool known = parts.size() >= 5;
    if (known) {
        variant.hidden = parse_hidden(parts.back());
        variant.contract = parse_contract(parts[parts.size() - 2]);
    }
    for (size_t i = 1; known && i < parts.size() - 2; i++) {
        const std::string prefix = parts[i].substr(0, 2), word = parts[i].substr(std::min<size_t>(2, parts[i].size()));
        const auto *type = std::find_if(std::begin(types_in_name), std::end(types_in_name),
                                        [&](const auto &entry) { return prefix == entry.first; });
        const bool is_type = type != std::end(types_in_name);
        known = is_type || prefix == "s_" || prefix == "q_" || prefix == "a_";
        if (is_type) {
            variant.*type->second = parse_dtype(word);
        } else if (prefix == "q_") {
            variant.scale = parse_scale(word);
        } else if (prefix == "a_") {
            variant.alignment = parse_alignment(word);
        } else if (known) {
            variant.statistics = parse_statistics(word);
        }
    }
    if (!known || name(variant) != text) {
        throw std::invalid_argument("\"" + text + "\" is not a kernel's name; expected one as in the output of list");
    }
    return variant;
}

std::string refusal(const Variant &variant) {
    if (variant.contract == Contract::hf && variant.op.find("rms_norm_") != 0) {
        return "contract hf is for rms_norm only";
    }
    if (variant.contract == Contract::hf && variant.bias != DType::none) {
        return "contract hf has no bias";
    }
    if (variant.statistics == Statistics::recomputed && !is_backward(variant)) {
        return "statistics are recomputed by a backward only";
    }
    const bool quantized = is_quantized(variant.y);
    if (quantized != (variant.scale != Scale::none)) {
        return quantized ? std::string("y is ") + to_string(variant.y) + ", which needs a scale"
                         : std::string("scale is for a quantized y, not for ") + to_string(variant.y);
    }
    if (variant.y == DType::i32 || variant.x == DType::u8) {
        return std::string(variant.y == DType::i32 ? "y is i32, which is for x" : "x is u8, which is for y") + " alone";
    }
    if (variant.y == DType::u8 && variant.scale != Scale::tensor) {
        return "y is u8, which needs the scale of a tensor, with a zero point";
    }
    if (variant.y_float != DType::none && (!quantized || is_quantized(variant.y_float))) {
        return quantized ? std::string("y_float is ") + to_string(variant.y_float)
                         : "y_float is beside a quantized y only";
    }
    const int group = group_size(variant.scale);
    if (group != 0 && variant.hidden.exact % group != 0) {
        return "hidden is " + std::to_string(variant.hidden.exact) + ", which is not whole groups of " +
               std::to_string(group);
    }
    if (variant.alignment == Alignment::any && variant.hidden.exact == 0 && runs(variant).multiple == 1) {
        return "alignment is any; kernels for hidden " + hidden_name(variant.hidden) + " have no other";
    }
    if (is_backward(variant) && (quantized || is_quantized(variant.x))) {
        return "a backward has no quantized types";
    }
    if (variant.contract == Contract::hf && (quantized || is_quantized(variant.x))) {
        return "contract hf has no quantized types";
    }
    return "";
}

bool is_quantized(DType type) { return type >= DType::i8; }

int group_size(Scale scale) {
    switch (scale) {
        case Scale::group_32: return 32;
        case Scale::group_64: return 64;
        case Scale::group_128: return 128;
        default: return 0;
    }
}

HiddenClass runs(const Variant &variant) {
    HiddenClass hidden = variant.hidden;
    hidden.multiple = hidden.exact != 0 ? hidden.multiple : std::max(hidden.multiple, group_size(variant.scale));
    return hidden;
}

bool is_backward(const Variant &variant) {
    const std::string suffix = "_backward";
    return variant.op.size() > suffix.size() &&
           variant.op.compare(variant.op.size() - suffix.size(), suffix.size(), suffix) == 0;
}

const char *to_string(DType type) { return word_of(dtypes, type); }

const char *to_string(Contract contract) { return word_of(contracts, contract); }

const char *to_string(Scale scale) { return word_of(scales, scale); }

const char *to_string(Alignment alignment) { return word_of(alignments, alignment); }

const char *to_string(Statistics statistics) { return word_of(sources_of_statistics, statistics); }

DType parse_dtype(const std::string &text) { return parse(dtypes, text, "type"); }

HiddenClass parse_hidden(const std::string &text) {
    const bool number = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
    return number ? HiddenClass{1, std::stoi(text), 0} : parse(hidden_classes, text, "hidden size class");
}

Contract parse_contract(const std::string &text) { return parse(contracts, text, "contract"); }

Scale parse_scale(const std::string &text) { return parse(scales, text, "scale"); }

Alignment parse_alignment(const std::string &text) { return parse(alignments, text, "alignment"); }

Statistics parse_statistics(const std::string &text) {
    return parse(sources_of_statistics, text, "source of statistics");
}

}  // namespace norma
