// SPDX-License-Identifier: MIT
// The safetensors format: eight bytes of header length, a JSON header, the tensors' bytes.
// https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace norma::safetensors {

// What is wrong with a file, in one line that names the file and the tensor.
struct FormatError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Tensor {
    std::string dtype;  // "F32", "BF16", ...
    std::vector<int64_t> shape;
    std::vector<char> bytes;

    int64_t elements() const;
};

struct File {
    std::map<std::string, Tensor> tensors;
    std::map<std::string, std::string> metadata;

    const Tensor *find(const std::string &name) const;
};

// Bytes of an element; 0 for a type that the format does not have.
size_t dtype_bytes(const std::string &dtype);

// Throws FormatError for whatever does not follow the format to the letter: bounds, types, gaps, overlaps, duplicates.
File read(const std::string &path);

// Replaces `path` as a whole, or throws FormatError and leaves it as it was.
void write(const std::string &path, const File &file);

}  // namespace norma::safetensors
