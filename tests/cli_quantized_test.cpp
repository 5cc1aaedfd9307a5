// SPDX-License-Identifier: MIT
// norma run with 8-bit types.
#include "cli_session.h"

namespace {

using namespace norma::test;

struct QuantizedSession : Session {
    QuantizedSession() : Session("F32", {3, 64}) {}

    // y * y_scale, by groups of so many elements.
    Values dequantized(const st::File &file, int64_t group) const {
        Values y = norma::reference::load(NORMA_I8, file.tensors.at("y").bytes.data(), 192);
        const Values scale = values_of(file.tensors.at("y_scale"));
        for (size_t i = 0; i < y.size(); i++) {
            y[i] *= scale[i / static_cast<size_t>(group)];
        }
        return y;
    }
};

}  // namespace

TEST_CASE("run writes y and y_scale that give the values back") {
    for (const auto &[scale, group] :
         {std::pair<std::string, int64_t>{"row", 64}, {"group:32", 32}, {"group:64", 64}}) {
        QuantizedSession s;
        s.input.tensors["x"] = tensor("BF16", {3, 64}, 1);
        s.input.tensors["weight"] = tensor("BF16", {64}, 2);
        const Values y = values_of(s.outputs("rms_norm --y-dtype f32").tensors.at("y"));
        const st::File file = s.outputs("rms_norm --y-dtype i8 --scale " + scale);
        CHECK(file.tensors.at("y").dtype == "I8");
        CHECK(file.tensors.at("y").shape == std::vector<int64_t>{3, 64});
        const std::vector<int64_t> groups{3, 64 / group};
        CHECK(file.tensors.at("y_scale").shape == (scale == "row" ? std::vector<int64_t>{3} : groups));
        const Values back = s.dequantized(file, group);
        for (size_t i = 0; i < y.size(); i++) {
            CHECK(std::fabs(back[i] - y[i]) < 0.03);  // half a step of a largest magnitude of about 6
        }
    }
}

TEST_CASE("run takes int8 with a scale, and a scale for y") {
    QuantizedSession s;
    st::Tensor x{"I8", {3, 64}, std::vector<char>(192)};
    for (size_t i = 0; i < 192; i++) {
        x.bytes[i] = static_cast<char>(static_cast<int8_t>(static_cast<int>(i * 37 % 255) - 127));
    }
    s.input.tensors["x"] = x;
    s.refused("rms_norm --y-dtype f32", "has no tensor \"x_scale\"");
    s.input.tensors["x_scale"] = tensor("F32", {2}, 3);
    s.refused("rms_norm --y-dtype f32", "x_scale is [2]; expected [3]");
    s.input.tensors["x_scale"] = tensor("F32", {3}, 3);
    s.outputs("rms_norm --y-dtype f32");
    s.input.tensors["x_scale"] = tensor("F32", {1}, 3);
    const Values y = values_of(s.outputs("rms_norm --y-dtype f32").tensors.at("y"));
    const st::File file = s.outputs("rms_norm --y-dtype i8 --scale tensor --y-scale 0.125");
    CHECK(file.tensors.count("y_scale") == 0);
    const Values steps = norma::reference::load(NORMA_I8, file.tensors.at("y").bytes.data(), 192);
    for (size_t i = 0; i < y.size(); i++) {
        CHECK(std::fabs(steps[i] * 0.125 - y[i]) <= 0.0626);
    }
}

TEST_CASE("run refuses scales that make no sense") {
    QuantizedSession s;
    s.refused("rms_norm --y-dtype i8", "desc.scale is none and desc.y is i8");
    s.refused("rms_norm --scale row", "desc.scale is row and desc.y is f32");
    s.refused("rms_norm --y-dtype i8 --scale tensor", "--scale is tensor; expected --y-scale");
    s.refused("rms_norm --y-dtype i8 --scale row --y-scale 1", "--y-scale is given; expected --scale tensor");
    s.refused("rms_norm --y-dtype i8 --scale tensor --y-scale 0", "--y-scale");
    s.refused("rms_norm --y-dtype i8 --scale column", "--scale");
    s.refused("rms_norm --y-dtype f8_e4m3 --scale group:128", "desc.hidden is 64; expected whole groups of 128");
    s.refused("rms_norm_backward --scale row", "--scale is given");
    s.input.tensors["weight"] = st::Tensor{"I8", {64}, std::vector<char>(64)};
    s.refused("rms_norm", "weight is I8; expected F32, F16 or BF16");
}
