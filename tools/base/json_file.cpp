// SPDX-License-Identifier: MIT
#include "json_file.h"

#include <algorithm>

#include "json_text.h"

namespace norma {

using nlohmann::json;

namespace {

// Far more than people write.
constexpr JsonLimits limits = {20, 1'000'000};

// Long values are cut: the message shall stay one readable line.
std::string shown(const json &value) { return brief(value, 57); }

}  // namespace

json read_json(const std::filesystem::path &path) {
    const std::string text = read_file(path);
    try {
        return parse_json(text, limits);
    } catch (const JsonSyntaxError &error) {
        throw InputError(path.string() + ": not JSON: " + error.what());
    } catch (const JsonError &error) {
        throw InputError(path.string() + ": " + error.what());
    }
}

void Node::fail(const std::string &what) const {
    throw InputError(file_ + ": " + (where_.empty() ? "" : where_ + ": ") + what);
}

std::vector<Node> Node::members() const {
    if (!value_->is_object()) {
        fail(shown(*value_) + " is not an object");
    }
    std::vector<Node> nodes;
    for (const auto &[key, value] : value_->items()) {
        nodes.push_back(at(key));
    }
    return nodes;
}

void Node::expect_object(const std::vector<std::string> &keys) const {
    members();
    for (const auto &[key, value] : value_->items()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            fail("unknown key " + shown(key) + "; expected one of " + comma_separated(keys));
        }
    }
}

Node Node::at(const std::string &key) const {
    if (!has(key)) {
        fail("\"" + key + "\" is missing");
    }
    return Node(file_, where_.empty() ? key : where_ + "." + key, (*value_)[key]);
}

std::string Node::string() const {
    if (!value_->is_string()) {
        fail(shown(*value_) + " is not a string");
    }
    return value_->get<std::string>();
}

int64_t Node::integer(int64_t min, int64_t max) const {
    const bool fits = value_->is_number_integer() &&
                      (!value_->is_number_unsigned() || value_->get<uint64_t>() <= (uint64_t)INT64_MAX) &&
                      value_->get<int64_t>() >= min && value_->get<int64_t>() <= max;
    if (!fits) {
        fail(shown(*value_) + " is not an integer from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return value_->get<int64_t>();
}

std::vector<Node> Node::items() const {
    if (!value_->is_array() || value_->empty()) {
        fail(shown(*value_) + " is not a list of at least one value");
    }
    std::vector<Node> nodes;
    for (size_t i = 0; i < value_->size(); i++) {
        nodes.push_back(Node(file_, where_ + "[" + std::to_string(i) + "]", (*value_)[i]));
    }
    return nodes;
}

std::vector<Node> Node::one_or_more() const { return value_->is_array() ? items() : std::vector<Node>{*this}; }

std::string Node::one_of(const std::vector<std::string> &known, const std::string &what) const {
    if (!value_->is_string() || std::find(known.begin(), known.end(), value_->get<std::string>()) == known.end()) {
        fail(shown(*value_) + " is not " + what + "; expected one of " + comma_separated(known));
    }
    return value_->get<std::string>();
}

}  // namespace norma
