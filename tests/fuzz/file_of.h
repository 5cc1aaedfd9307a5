// SPDX-License-Identifier: MIT
// A file of a fuzzer's bytes, for what reads files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "tools/base/temporary_directory.h"

namespace norma::fuzz {

// Written anew for each input.
inline std::filesystem::path file_of(const uint8_t *bytes, size_t count, const char *name) {
    static const TemporaryDirectory folder(std::filesystem::temp_directory_path() / "norma-fuzz");
    const std::filesystem::path path = folder.path / name;
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char *>(bytes), static_cast<std::streamsize>(count));
    return path;
}

}  // namespace norma::fuzz
