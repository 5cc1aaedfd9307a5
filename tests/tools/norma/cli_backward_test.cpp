// SPDX-License-Identifier: MIT
// norma run of the backward ops.
#include "tests/support/cli_session.h"
#include "tools/reference/reference_backward.h"

namespace {

using namespace norma::test;

struct BackwardSession : Session {
    explicit BackwardSession(const std::string &dtype = "F32") : Session(dtype) {
        input.tensors["dy"] = tensor(dtype, {3, 40}, 5);
    }

    // By the float64 reference, of the statistics of x.
    norma::reference::RowGradients expected(bool centred, int row) const {
        const Values x = row_of("x", row), dy = row_of("dy", row);
        const norma::reference::Options options;
        const norma::reference::Row forward =
            centred ? norma::reference::layer_norm(x, options) : norma::reference::rms_norm(x, options);
        norma::reference::Backward backward;
        backward.centred = centred;
        backward.weight = values_of(input.tensors.at("weight"));
        return norma::reference::backward(x, dy, forward.mean, forward.rstd, backward);
    }

    Values row_of(const std::string &name, int row) const {
        const Values all = values_of(input.tensors.at(name));
        return {all.begin() + row * 40, all.begin() + (row + 1) * 40};
    }

    void check(bool centred, const st::File &outputs, const Values &d_residual = Values(120)) const {
        Values dx, dweight(40), dbias(40);
        for (int row = 0; row < 3; row++) {
            const norma::reference::RowGradients gradients = expected(centred, row);
            for (size_t d = 0; d < 40; d++) {
                dx.push_back(gradients.dx[d] + d_residual[dx.size()]);
                dweight[d] += gradients.dweight[d];
                dbias[d] += gradients.dbias[d];
            }
        }
        check_close(values_of(outputs.tensors.at("dx")), dx);
        check_close(values_of(outputs.tensors.at("dweight")), dweight);
        if (centred) {
            check_close(values_of(outputs.tensors.at("dbias")), dbias);
        }
        CHECK(outputs.tensors.size() == (centred ? 3 : 2));
    }
};

}  // namespace

TEST_CASE("run computes gradients from saved and from recomputed statistics") {
    for (bool centred : {false, true}) {
        const std::string op = centred ? "layer_norm" : "rms_norm";
        BackwardSession s;
        s.check(centred, s.outputs(op + "_backward"));
        for (const auto &[name, saved] : s.outputs(op + " --save-stats").tensors) {
            if (name != "y") {
                s.input.tensors[name] = saved;
            }
        }
        s.check(centred, s.outputs(op + "_backward --eps 7"));  // which is not used
        s.input.tensors["d_residual"] = tensor("F32", {3, 40}, 9);
        s.check(centred, s.outputs(op + "_backward"), values_of(s.input.tensors.at("d_residual")));
    }
}

TEST_CASE("run gives gradients the type of their parameters, or F32") {
    BackwardSession s("BF16");
    CHECK(s.outputs("layer_norm_backward").tensors.at("dweight").dtype == "BF16");
    const st::File wide = s.outputs("layer_norm_backward --f32-gradients");
    CHECK(wide.tensors.at("dweight").dtype == "F32");
    CHECK(wide.tensors.at("dbias").dtype == "F32");
    CHECK(wide.tensors.at("dx").dtype == "BF16");
}

TEST_CASE("run refuses a backward that lacks something") {
    BackwardSession s;
    s.refused("rms_norm_backward --save-stats", "--save-stats is given");
    s.refused("rms_norm_backward --y-dtype f32", "--y-dtype is given");
    s.refused("rms_norm --f32-gradients", "--f32-gradients is given");
    s.input.tensors["rstd"] = tensor("F32", {3}, 3);
    s.refused("layer_norm_backward", "has no tensor \"mean\"");
    s.input.tensors["mean"] = tensor("F32", {4}, 3);
    s.refused("layer_norm_backward", "mean is [4]; expected [3]");
    s.input.tensors["mean"] = tensor("BF16", {3}, 3);
    s.refused("layer_norm_backward", "in: mean is BF16; expected F32");
    s.input.tensors.erase("rstd");
    s.refused("layer_norm_backward", "has no tensor \"rstd\"");
    s.input.tensors.erase("dy");
    s.refused("rms_norm_backward", "has no tensor \"dy\"");
}
