// SPDX-License-Identifier: MIT
// norma run with 8-bit types.
#include "tests/support/cli_session.h"

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
         {std::pair<std::string, int64_t>{"row", 64}, {"group_32", 32}, {"group_64", 64}}) {
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
    for (const std::vector<int64_t> &shape : {std::vector<int64_t>{3}, {1}, {}}) {
        s.input.tensors["x_scale"] = tensor("F16", shape, 3);
        s.refused("rms_norm --y-dtype f32", "in: x_scale is F16; expected F32");
    }
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

TEST_CASE("run writes u8 around a zero point") {
    QuantizedSession s;
    s.refused("rms_norm --y-dtype u8 --scale tensor --y-scale 1 --y-zero-point 256", "--y-zero-point");
    s.refused("rms_norm --y-dtype u8 --scale row", "--scale is row; expected tensor for y in u8");
    s.refused("rms_norm --y-zero-point 1", "--y-zero-point is 1; expected 0");
    const Values y = values_of(s.outputs("rms_norm").tensors.at("y"));
    const st::File file = s.outputs("rms_norm --y-dtype u8 --scale tensor --y-scale 0.0625 --y-zero-point 100");
    CHECK(file.tensors.at("y").dtype == "U8");
    const Values steps = norma::reference::load(NORMA_U8, file.tensors.at("y").bytes.data(), 192);
    for (size_t i = 0; i < y.size(); i++) {
        CHECK(std::fabs((steps[i] - 100) * 0.0625 - y[i]) <= 0.0313);
    }
}

TEST_CASE("run writes y before it is quantized beside it") {
    QuantizedSession s;
    s.input.tensors["x"] = tensor("BF16", {3, 64}, 1);
    s.input.tensors["weight"] = tensor("BF16", {64}, 2);
    s.refused("rms_norm --y-float bf16", "invalid argument: --y-float is bf16; expected none");
    const st::File file = s.outputs("rms_norm --y-dtype i8 --scale row --y-float bf16");
    CHECK(file.tensors.at("y_float").dtype == "BF16");
    CHECK(file.tensors.at("y_float").bytes == s.outputs("rms_norm").tensors.at("y").bytes);
}

TEST_CASE("run takes the int32 sums of a matmul") {
    QuantizedSession s;
    st::Tensor x{"I32", {3, 64}, std::vector<char>(768)};
    st::Tensor scaled{"BF16", {3, 64}, std::vector<char>(384)};
    for (size_t i = 0; i < 192; i++) {
        const auto sum = static_cast<int32_t>(i * 37 % 255) - 127;
        const Eigen::bfloat16 value(static_cast<float>(2 * sum));
        std::memcpy(&x.bytes[4 * i], &sum, 4);
        std::memcpy(&scaled.bytes[2 * i], &value, 2);
    }
    s.input.tensors["x"] = x;
    s.input.tensors["weight"] = tensor("BF16", {64}, 2);
    s.refused("rms_norm --y-dtype bf16", "has no tensor \"x_column_scale\"");
    st::Tensor four{"F32", {64}, std::vector<char>(256)}, half{"F32", {}, std::vector<char>(4)};
    const float scales[] = {4, 0.5F};
    for (size_t i = 0; i < 64; i++) {
        std::memcpy(&four.bytes[4 * i], &scales[0], 4);
    }
    std::memcpy(half.bytes.data(), &scales[1], 4);
    s.input.tensors["x_column_scale"] = tensor("BF16", {64}, 3);
    s.input.tensors["x_scale"] = half;
    s.refused("rms_norm --y-dtype bf16", "in: x_column_scale is BF16; expected F32");
    s.input.tensors.erase("x_scale");
    s.input.tensors["x_column_scale"] = four;
    s.refused("rms_norm --y-dtype bf16", "has no tensor \"x_scale\"");
    s.input.tensors["x_scale"] = half;
    const std::vector<char> y = s.outputs("rms_norm --y-dtype bf16").tensors.at("y").bytes;
    s.input.tensors["x"] = scaled;
    CHECK(y == s.outputs("rms_norm").tensors.at("y").bytes);
}

TEST_CASE("run refuses scales that make no sense") {
    QuantizedSession s;
    for (const char *scale : {"0", "-1", "nan", "inf", "1e-46", "1e39"}) {
        s.refused(std::string("rms_norm --y-dtype i8 --scale tensor --y-scale ") + scale,
                  "expected a finite number above 0 in fp32");
    }
    s.refused("rms_norm --y-dtype i8", "invalid argument: --scale is none; expected one for y in i8");
    s.refused("rms_norm --scale row", "invalid argument: --scale is row; expected none for y in f32");
    s.refused("rms_norm --y-dtype i8 --scale tensor", "--scale is tensor; expected --y-scale");
    s.refused("rms_norm --y-dtype i8 --scale row --y-scale 1", "--y-scale is given; expected --scale tensor");
    s.refused("rms_norm --y-dtype i8 --scale tensor --y-scale 0", "--y-scale");
    s.refused("rms_norm --y-dtype i8 --scale column", "--scale");
    s.refused("rms_norm --y-dtype f8_e4m3 --scale group_128",
              s.in + ": the hidden size of x is 64; expected whole groups of 128");
    s.refused("rms_norm_backward --scale row", "--scale is given");
    s.input.tensors["weight"] = st::Tensor{"I8", {64}, std::vector<char>(64)};
    s.refused("rms_norm", "weight is I8; expected one of F32, F16, BF16");
}
