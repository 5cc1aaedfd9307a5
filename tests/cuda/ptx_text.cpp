// SPDX-License-Identifier: MIT
#include "ptx_text.h"

#include <cctype>

namespace fake_cuda {

std::optional<std::vector<size_t>> parameter_sizes(const std::string &ptx, const std::string &entry) {
    const std::string head = ".entry " + entry;
    size_t at = ptx.find(head);
    while (at != std::string::npos && ptx[at + head.size()] != '(' && !std::isspace(ptx[at + head.size()])) {
        at = ptx.find(head, at + 1);  // the beginning of a longer name
    }
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::string parameters = ptx.substr(at, ptx.find(')', at) - at);
    std::vector<size_t> sizes;
    for (at = parameters.find(".param"); at != std::string::npos; at = parameters.find(".param", at + 1)) {
        // .param .u64 .ptr .align 1 name: bits after the type's letter
        const size_t digits = parameters.find_first_of("0123456789", at);
        sizes.push_back(std::stoul(parameters.substr(digits)) / 8);
    }
    return sizes;
}

}  // namespace fake_cuda
