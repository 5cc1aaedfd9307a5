// SPDX-License-Identifier: MIT
#include "ops.h"

#include <stdexcept>

namespace norma {

const std::vector<Op> &ops() {
    static const std::vector<Op> list = {
        {"layer_norm_forward", layer_norm_forward},
        {"layer_norm_backward", layer_norm_backward},
        {"rms_norm_forward", rms_norm_forward},
        {"rms_norm_backward", rms_norm_backward},
    };
    return list;
}

std::vector<std::string> op_names() {
    std::vector<std::string> names;
    for (const Op &op : ops()) {
        names.push_back(op.name);
    }
    return names;
}

const Op &find_op(const std::string &name) {
    std::string known;
    for (const Op &op : ops()) {
        if (op.name == name) {
            return op;
        }
        known += (known.empty() ? "" : ", ") + op.name;
    }
    throw std::invalid_argument("\"" + name + "\" is not an op; expected one of " + known);
}

}  // namespace norma
