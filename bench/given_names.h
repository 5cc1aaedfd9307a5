// SPDX-License-Identifier: MIT
// The library's messages name the fields of its structs: desc.bias. Those of a command name what its user gave.
#pragma once

#include <norma/norma.hpp>
#include <string>
#include <vector>

#include "tools/base/errors.h"

namespace norma::bench {

struct GivenName {
    std::string field;  // as the library says it: "desc.contract"
    std::string given;  // "--contract"
};
using GivenNames = std::vector<GivenName>;

// The message with every such field outside of quotation marks as it was given.
std::string in_given_names(const std::string &message, const GivenNames &names);

// Whether the caller could have avoided it, as against what the machine or Norma is to blame for.
bool is_refusal(norma_status status);

// What `work` returns. Throws InputError, in the given names, where the library refuses.
template <typename Work>
auto with_given_names(const GivenNames &names, const Work &work) {
    try {
        return work();
    } catch (const Error &error) {
        if (is_refusal(error.status())) {
            throw InputError(in_given_names(error.what(), names));
        }
        throw;
    }
}

}  // namespace norma::bench
