// SPDX-License-Identifier: MIT
// JSON that anybody may have written: what is wrong with it is found in linear time, before values are made of it.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace norma {

// Each in one line.
struct JsonError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct JsonSyntaxError : JsonError {  // no JSON at all
    using JsonError::JsonError;
};
struct JsonDepthError : JsonError {
    using JsonError::JsonError;
};
struct JsonKeyError : JsonError {  // a key twice in one object
    explicit JsonKeyError(const std::string &key);
    std::string key;
};

struct JsonLimits {
    int depth;      // of lists and objects inside each other
    size_t values;  // a value takes up to thirty times the memory of its text
};

// Throws JsonError.
nlohmann::json parse_json(const std::string &text, const JsonLimits &limits);

// Hands over the members of the object that the text is, one by one, and keeps none; the limit of values is that of
// each. Throws JsonError, and what `take` throws. Returns false where the text is another value.
bool parse_members(const std::string &text, const JsonLimits &limits,
                   const std::function<void(const std::string &key, const nlohmann::json &value)> &take);

// Not longer than a message can bear, in ASCII.
std::string brief(const nlohmann::json &value, size_t longest);

}  // namespace norma
