// SPDX-License-Identifier: MIT
// Where random tests get their choices from: a seed, or a fuzzer's bytes and then zeros.
#pragma once

#include <cstddef>
#include <cstdint>

namespace norma::test {

class Choices {
public:
    explicit Choices(uint64_t seed) : seed_(seed) {}
    Choices(const uint8_t *bytes, size_t count) : bytes_(bytes), left_(count) {}

    bool exhausted() const { return bytes_ && left_ == 0; }

    uint64_t bits(int bytes) {
        uint64_t value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | byte();
        }
        return value;
    }

    // 0 to count - 1. Zeros of an exhausted fuzzer choose the first.
    size_t below(size_t count) { return static_cast<size_t>(bits(count <= 256 ? 1 : 4) % count); }

    bool one_in(size_t count) { return below(count) == 1 % count; }

    template <typename T, size_t count>
    T of(const T (&values)[count]) {
        return values[below(count)];
    }

private:
    uint8_t byte() {
        if (bytes_) {
            return left_ > 0 ? (left_--, *bytes_++) : uint8_t{0};
        }
        seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;  // Knuth's generator, whose high bits are good
        return static_cast<uint8_t>(seed_ >> 56);
    }

    uint64_t seed_ = 0;
    const uint8_t *bytes_ = nullptr;
    size_t left_ = 0;
};

}  // namespace norma::test
