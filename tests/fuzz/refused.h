// SPDX-License-Identifier: MIT
#pragma once

namespace norma::fuzz {

// Whether `read` refuses its input by a `Refusal`. Any other exception ends the fuzzer.
template <typename Refusal, typename Read>
bool refused(Read read) try {
    read();
    return false;
} catch (const Refusal &) {
    return true;
}

}  // namespace norma::fuzz
