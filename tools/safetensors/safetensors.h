// SPDX-License-Identifier: MIT
// The safetensors format: eight bytes of header length, a JSON header, the tensors' bytes.
// https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/base/errors.h"

namespace norma::safetensors {

// What is wrong with a file, with the names of the file and the tensor.
struct FormatError : InputError {
    using InputError::InputError;
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

// Bytes of an element; 0 for a type that the format does not have, or whose elements are not whole bytes.
size_t dtype_bytes(const std::string &dtype);

// Throws FormatError for whatever does not follow the format to the letter: bounds, types, gaps, overlaps, duplicates.
// Checks the whole header; keeps the tensors that are wanted, and reads the bytes of these alone.
File read(const std::string &path);
File read(const std::string &path, const std::function<bool(const std::string &name)> &wanted);

// Replaces `path` as a whole, or throws FormatError and leaves it as it was. Each tensor is aligned to its element.
void write(const std::string &path, const File &file);

}  // namespace norma::safetensors
