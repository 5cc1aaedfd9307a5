// SPDX-License-Identifier: MIT
#include "fatbin.h"

#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace fake_cuda {
namespace {

constexpr uint64_t compressed_flag = 0x8000;
constexpr uint16_t kind_ptx = 1, kind_cubin = 2;

template <typename T>
T number(const char *at) {
    T value;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

std::string decompress(const char *from, size_t bytes, size_t unpacked) {
    std::string text(unpacked, '\0');
    if (ZSTD_decompress(text.data(), text.size(), from, bytes) != unpacked) {
        throw std::runtime_error("a fatbin's image does not decompress");
    }
    return text;
}

// An entry: kind u16, version u16, bytes of its header u32, of its payload u64, of these compressed u32, ..., at 28 the
// compute capability u32, at 40 flags u64, at 56 the bytes before compression u64.
Packed unpack(const char *entry) {
    const auto kind = number<uint16_t>(entry);
    if (kind != kind_ptx && kind != kind_cubin) {
        throw std::runtime_error("a fatbin has an image of the unknown kind " + std::to_string(kind));
    }
    const char *payload = entry + number<uint32_t>(entry + 4);
    const bool compressed = number<uint64_t>(entry + 40) & compressed_flag;
    return {kind == kind_ptx, number<int32_t>(entry + 28),
            compressed ? decompress(payload, number<uint32_t>(entry + 16), number<uint64_t>(entry + 56))
                       : std::string(payload, number<uint64_t>(entry + 8))};
}

}  // namespace

// The header: magic u32, version u16, its bytes u16, bytes of the entries u64.
std::vector<Packed> unpack_fatbin(const void *fatbin) {
    const char *at = static_cast<const char *>(fatbin);
    const uint64_t bytes = number<uint64_t>(at + 8);
    std::vector<Packed> images;
    at += number<uint16_t>(at + 6);
    for (const char *end = at + bytes; at < end;) {
        images.push_back(unpack(at));
        at += number<uint32_t>(at + 4) + number<uint64_t>(at + 8);
    }
    return images;
}

bool runs_on(const Packed &image, int sm) { return image.sm <= sm && (image.ptx || image.sm / 10 == sm / 10); }

}  // namespace fake_cuda
