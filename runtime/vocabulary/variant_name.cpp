// SPDX-License-Identifier: MIT
#include "variant_name.h"

#include <stdexcept>
#include <vector>

namespace norma {

namespace {

std::vector<std::string> split(const std::string &text) {
    std::vector<std::string> parts(1);
    for (char c : text) {
        if (c == '.') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

const Field &op_field = *find_field("op"), &contract_field = *find_field("contract");

}  // namespace

std::string name(const Variant &variant) {
    std::string text = word_of(variant, op_field);
    for (const char *prefix : order_in_names) {
        const Field &field = *field_with_prefix(prefix);
        if (value_of(variant, field) != 0) {
            text += std::string(".") + prefix + word_of(variant, field);
        }
    }
    return text + "." + word_of(variant, contract_field) + "." + hidden_name(variant.hidden);
}

Variant parse_name(const std::string &text) {
    const std::vector<std::string> parts = split(text);
    Variant variant;
    variant.x = variant.y = NORMA_NONE;
    bool known = parts.size() >= 4;
    if (known) {
        set_value_at(&variant, op_field.offset, parse_word(op_field, parts.front()));
        variant.hidden = parse_hidden(parts.back());
        set_value_at(&variant, contract_field.offset, parse_word(contract_field, parts[parts.size() - 2]));
    }
    for (size_t i = 1; known && i < parts.size() - 2; i++) {
        const Field *field = field_with_prefix(parts[i].substr(0, 2).c_str());
        known = field != nullptr;
        if (known) {
            set_value_at(&variant, field->offset, parse_word(*field, parts[i].substr(2)));
        }
    }
    if (!known || variant.x == NORMA_NONE || variant.y == NORMA_NONE || name(variant) != text) {
        throw std::invalid_argument("\"" + text + "\" is not a kernel's name; expected one as in the output of list");
    }
    return variant;
}

std::string hidden_name(const HiddenClass &hidden) {
    if (hidden.exact != 0) {
        return std::to_string(hidden.exact);
    }
    for (const HiddenName &known : hidden_names) {
        if (known.hidden.multiple == hidden.multiple && known.hidden.most == hidden.most) {
            return known.name;
        }
    }
    throw std::logic_error("a hidden class without a name");
}

HiddenClass parse_hidden(const std::string &text) {
    if (!text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos) {
        return HiddenClass{1, std::stoi(text), 0};
    }
    std::string known;
    for (const HiddenName &hidden : hidden_names) {
        if (text == hidden.name) {
            return hidden.hidden;
        }
        known += std::string(known.empty() ? "" : ", ") + hidden.name;
    }
    throw std::invalid_argument("\"" + text + "\" is not a hidden size class; expected one of " + known);
}

int32_t parse_word(const Field &field, const std::string &text) {
    if (const Word *word = field.words.find(text.c_str())) {
        return word->value;
    }
    std::string known;
    for (const Word &word : field.words) {
        known += std::string(known.empty() ? "" : ", ") + word.name;
    }
    throw std::invalid_argument("\"" + text + "\" is not " + field.what + "; expected one of " + known);
}

std::string refusal(const Variant &variant) {
    if (!info_of(variant.op).in_manifests) {
        return "";  // it comes along with others
    }
    Refusal why;
    is_legal(variant, &why);
    return why.text;
}

}  // namespace norma
