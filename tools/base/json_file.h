// SPDX-License-Identifier: MIT
// JSON files that people write: every complaint says the file, the place in it, what is there and what was expected.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "files.h"
#include "text.h"

namespace norma {

// Throws InputError where the file is unreadable, is not JSON, or has a key twice in one object.
nlohmann::json read_json(const std::filesystem::path &path);

// A value inside a file. Points into the json that it was made from.
class Node {
public:
    Node(const std::filesystem::path &file, const nlohmann::json &value) : Node(file.string(), "", value) {}

    const nlohmann::json &json() const { return *value_; }
    [[noreturn]] void fail(const std::string &what) const;  // throws InputError

    // An object with no other keys than these.
    void expect_object(const std::vector<std::string> &keys) const;
    bool has(const std::string &key) const { return value_->contains(key); }
    Node at(const std::string &key) const;  // fails where it is missing
    std::vector<Node> members() const;      // of an object

    std::string string() const;
    int64_t integer(int64_t min, int64_t max) const;
    std::vector<Node> items() const;        // of a list that is not empty
    std::vector<Node> one_or_more() const;  // of such a list, or the value itself
    // A string out of `known`; `what` with its article: "a type".
    std::string one_of(const std::vector<std::string> &known, const std::string &what) const;

private:
    Node(std::string file, std::string where, const nlohmann::json &value)
        : file_(std::move(file)), where_(std::move(where)), value_(&value) {}

    std::string file_, where_;
    const nlohmann::json *value_;
};

}  // namespace norma
