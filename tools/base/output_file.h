// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "leftovers.h"

namespace norma {

// A file that is written whole or not at all. What was there, or what a link leads to, is replaced in one step and
// keeps its permissions. What is no regular file, as a device or a pipe, is written to and stays what it is.
class OutputFile {
public:
    explicit OutputFile(const std::filesystem::path &path);  // throws OutputError
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;
    ~OutputFile();  // what is not finished is removed

    // False for devices, pipes and what cannot be replaced either.
    bool replaces() const { return temporary_ != nullptr; }

    void write(std::string_view bytes);  // throws OutputError
    void finish();                       // throws OutputError

private:
    [[noreturn]] void fail() const;

    std::filesystem::path path_, real_;
    std::unique_ptr<Leftover> temporary_;
    int file_ = -1;
};

// Whether this is the name of such a file that is not finished, here or in another process.
bool is_unfinished(const std::filesystem::path &path);

// For an option's value: that it cannot be written is the user's to mend. Throws InputError.
std::unique_ptr<OutputFile> open_output(const std::string &option, const std::filesystem::path &path);

}  // namespace norma
