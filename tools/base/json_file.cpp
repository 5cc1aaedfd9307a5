// SPDX-License-Identifier: MIT
#include "json_file.h"

#include <algorithm>
#include <set>

namespace norma {

using nlohmann::json;

namespace {

// What the parser says without its own name and number, in one line.
std::string plain(const json::exception &error) {
    std::string text = error.what();
    if (size_t end = text.find("] "); text[0] == '[' && end != std::string::npos) {
        text = text.substr(end + 2);
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

// Long values are cut: the message shall stay one readable line.
std::string shown(const json &value) {
    std::string text = value.dump(-1, ' ', true);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

}  // namespace

json read_json(const std::filesystem::path &path) {
    const std::string text = read_file(path);
    std::vector<std::set<std::string>> keys;
    auto check = [&](int depth, json::parse_event_t event, json &value) {
        if (depth > 20) {
            throw InputError(path.string() + ": nested more than 20 deep");
        }
        if (event == json::parse_event_t::object_start) {
            keys.emplace_back();
        } else if (event == json::parse_event_t::object_end) {
            keys.pop_back();
        } else if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
            throw InputError(path.string() + ": key " + shown(value) + " is there twice in one object");
        }
        return true;
    };
    try {
        return json::parse(text, check);
    } catch (const json::exception &error) {
        throw InputError(path.string() + ": not JSON: " + plain(error));
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
