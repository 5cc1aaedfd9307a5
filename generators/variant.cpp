// SPDX-License-Identifier: MIT
#include "variant.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace norma {

namespace {

constexpr std::pair<const char *, DType> dtypes[] = {
    {"none", DType::none}, {"f32", DType::f32},         {"f16", DType::f16},        {"bf16", DType::bf16},
    {"i8", DType::i8},     {"f8_e4m3", DType::f8_e4m3}, {"f8_e5m2", DType::f8_e5m2}};
constexpr std::pair<const char *, Scale> scales[] = {{"none", Scale::none},         {"tensor", Scale::tensor},
                                                     {"row", Scale::row},           {"group_32", Scale::group_32},
                                                     {"group_64", Scale::group_64}, {"group_128", Scale::group_128}};
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

}  // namespace

std::string name(const Variant &variant) {
    std::string text = variant.op;
    auto part = [&](const char *prefix, DType type) {
        text += type == DType::none ? "" : prefix + std::string(to_string(type));
    };
    part(".x_", variant.x);
    part(".w_", variant.weight);
    part(".b_", variant.bias);
    part(".r_", variant.residual);
    part(".y_", variant.y);
    text += variant.scale == Scale::none ? "" : std::string(".q_") + to_string(variant.scale);
    text += variant.statistics == Statistics::saved ? "" : std::string(".s_") + to_string(variant.statistics);
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
        DType *type = prefix == "x_"   ? &variant.x
                      : prefix == "w_" ? &variant.weight
                      : prefix == "b_" ? &variant.bias
                      : prefix == "r_" ? &variant.residual
                      : prefix == "y_" ? &variant.y
                                       : nullptr;
        known = type != nullptr || prefix == "s_" || prefix == "q_";
        if (type != nullptr) {
            *type = parse_dtype(word);
        } else if (prefix == "q_") {
            variant.scale = parse_scale(word);
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
    const int group = group_size(variant.scale);
    if (group != 0 && variant.hidden.exact % group != 0) {
        return "hidden is " + std::to_string(variant.hidden.exact) + ", which is not whole groups of " +
               std::to_string(group);
    }
    if (is_backward(variant) && (quantized || is_quantized(variant.x))) {
        return "a backward has no quantized types";
    }
    if (variant.contract == Contract::hf && (quantized || is_quantized(variant.x))) {
        return "contract hf has no quantized types";
    }
    return "";
}

bool is_quantized(DType type) { return type == DType::i8 || type == DType::f8_e4m3 || type == DType::f8_e5m2; }

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

const char *to_string(Statistics statistics) { return word_of(sources_of_statistics, statistics); }

DType parse_dtype(const std::string &text) { return parse(dtypes, text, "type"); }

HiddenClass parse_hidden(const std::string &text) {
    const bool number = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos;
    return number ? HiddenClass{1, std::stoi(text), 0} : parse(hidden_classes, text, "hidden size class");
}

Contract parse_contract(const std::string &text) { return parse(contracts, text, "contract"); }

Scale parse_scale(const std::string &text) { return parse(scales, text, "scale"); }

Statistics parse_statistics(const std::string &text) {
    return parse(sources_of_statistics, text, "source of statistics");
}

}  // namespace norma
