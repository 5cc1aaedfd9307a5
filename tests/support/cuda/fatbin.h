// SPDX-License-Identifier: MIT
// What fatbinary packs: cubins for some devices, and PTX for newer ones.
#pragma once

#include <string>
#include <vector>

namespace fake_cuda {

inline constexpr unsigned fatbin_magic = 0xBA55ED50;

struct Packed {
    bool ptx;  // else a cubin
    int sm;
    std::string bytes;
};

// Throws std::runtime_error where the bytes are no fatbin of the form known.
std::vector<Packed> unpack_fatbin(const void *fatbin);

// As the driver chooses: cubins are for devices of their major number from their minor one on, PTX for all from its own
// on.
bool runs_on(const Packed &image, int sm);

}  // namespace fake_cuda
