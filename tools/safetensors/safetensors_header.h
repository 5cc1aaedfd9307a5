// SPDX-License-Identifier: MIT
// The JSON header of a safetensors file, believed in nothing: what it says of each tensor agrees with itself.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace norma::safetensors {

// What is wrong with a header, in one line.
struct HeaderError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Entry {
    std::string name;
    std::string dtype;
    std::vector<int64_t> shape;
    uint64_t begin, end;  // in the data; as many bytes as type and shape ask for
};

struct Header {
    std::vector<Entry> entries;
    std::map<std::string, std::string> metadata;
};

Header parse_header(const std::string &text);    // throws HeaderError
std::string write_header(const Header &header);  // padded, so that the data begin at a multiple of 8
std::string quote(const std::string &text);      // as JSON, and not longer than a message can bear

}  // namespace norma::safetensors
