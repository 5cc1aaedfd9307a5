// SPDX-License-Identifier: MIT
#include "run_tensors.h"

namespace norma::tool {

const OpInfo &RunOptions::info() const { return *find_op(op.c_str()); }

std::string RunOptions::named(const std::string &role) const { return prefix.empty() ? role : prefix + "." + role; }

bool RunOptions::is_of_prefix(const std::string &name) const {
    const std::string start = named("");
    return name.rfind(start, 0) == 0 && name.find('.', start.size()) == std::string::npos;
}

bench::GivenNames RunOptions::given_names() const {
    const auto tensor_of = [&](const char *role) { return input + ": " + named(role); };
    const bool backward = info().backward;
    return {{"desc.x", tensor_of("x")},
            {"desc.hidden", input + ": the hidden size of " + named("x")},
            {"desc.weight", tensor_of("weight")},
            {"desc.bias", tensor_of("bias")},
            {"desc.residual", tensor_of(backward ? "d_residual" : "residual")},
            {"desc.y", backward ? tensor_of("dy") : "--y-dtype"},
            {"desc.y_float", "--y-float"},
            {"desc.scale", "--scale"},
            {"desc.contract", "--contract"},
            {"desc.target", "--target"},
            {"desc.kernel", "--kernel"},
            {"desc.device", "--device"},
            {"y_zero_point", "--y-zero-point"}};
}

std::vector<std::string> RunOptions::input_roles() const {
    if (info().backward) {
        return {"x", "dy", "weight", "bias", "mean", "rstd", "d_residual"};
    }
    return {"x", "weight", "bias", "residual", "x_scale", "x_column_scale"};
}

}  // namespace norma::tool
