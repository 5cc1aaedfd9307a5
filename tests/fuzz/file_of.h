// SPDX-License-Identifier: MIT
// A file of a fuzzer's bytes, for what reads files.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace norma::fuzz {

// Written anew for each input.
inline std::filesystem::path file_of(const uint8_t *bytes, size_t count, const char *name) {
    static const std::filesystem::path folder = [] {
        const std::filesystem::path made =
            std::filesystem::temp_directory_path() / ("norma-fuzz-" + std::to_string(getpid()));
        std::filesystem::create_directories(made);
        return made;
    }();
    const std::filesystem::path path = folder / name;
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char *>(bytes), static_cast<std::streamsize>(count));
    return path;
}

}  // namespace norma::fuzz
