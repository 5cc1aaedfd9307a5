// SPDX-License-Identifier: MIT
#include "data_directory.h"

namespace norma {

namespace fs = std::filesystem;

fs::path data_directory() {
    return fs::weakly_canonical(fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/norma");
}

}  // namespace norma
