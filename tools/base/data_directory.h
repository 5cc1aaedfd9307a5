// SPDX-License-Identifier: MIT
// The files that programs read: targets, records, manifests, and what a bundle is built from.
#pragma once

#include <filesystem>

namespace norma {

// share/norma beside the folder of the running program. An installation has the files there, a build tree a link to
// its sources, so that neither program names a place and both may be moved.
std::filesystem::path data_directory();

}  // namespace norma
