// SPDX-License-Identifier: MIT
#include "library.h"

#include "runtime/vocabulary/fields.h"

namespace norma::tool {

nlohmann::ordered_json to_json(const norma_kernel_info &kernel) {
    nlohmann::ordered_json json = {{"name", kernel.name}, {"target", kernel.target}};
    for (const Field &field : fields) {
        if (field.in_info != absent) {
            json[field.key] = field.words.name(value_at(&kernel, field.in_info));
        }
    }
    json.update({{"recomputes_statistics", (kernel.flags & NORMA_RECOMPUTE_STATISTICS) != 0},
                 {"statistics", statistics_words.name(static_cast<int32_t>(statistics_of(kernel.flags)))},
                 {"hidden_multiple", kernel.hidden_multiple},
                 {"hidden_exact", kernel.hidden_exact},
                 {"hidden_most", kernel.hidden_most},
                 {"strategy", kernel.strategy},
                 {"knobs", nlohmann::ordered_json::parse(kernel.knobs)},
                 {"origin", kernel.origin},
                 {"device", device_words.name(kernel.device)},
                 {"alignment", kernel.alignment},
                 {"runnable", kernel.runnable != 0}});
    return json;
}

std::string hidden_sizes(const norma_kernel_info &kernel) {
    if (kernel.hidden_exact != 0) {
        return std::to_string(kernel.hidden_exact);
    }
    return (kernel.hidden_multiple == 1 ? "any" : "multiples of " + std::to_string(kernel.hidden_multiple)) +
           (kernel.hidden_most == 0 ? "" : " up to " + std::to_string(kernel.hidden_most));
}

}  // namespace norma::tool
