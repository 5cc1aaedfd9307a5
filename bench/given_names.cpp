// SPDX-License-Identifier: MIT
#include "given_names.h"

#include <algorithm>
#include <cctype>

namespace norma::bench {

namespace {

bool is_of_field(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

}  // namespace

std::string in_given_names(const std::string &message, const GivenNames &names) {
    std::string text;
    bool quoted = false;
    for (auto at = message.begin(); at != message.end();) {
        const auto end = std::find_if_not(at, message.end(), is_of_field);
        if (at == end) {
            quoted ^= *at == '"';
            text += *at++;
            continue;
        }
        const std::string word(at, end);
        const auto name = std::find_if(names.begin(), names.end(), [&](const GivenName &n) { return n.field == word; });
        text += quoted || name == names.end() ? word : name->given;
        at = end;
    }
    return text;
}

bool is_refusal(norma_status status) {
    return status != NORMA_OUT_OF_MEMORY && status != NORMA_PARALLEL_FOR_FAILED && status != NORMA_INTERNAL &&
           status != NORMA_DEVICE_ERROR;
}

}  // namespace norma::bench
