// SPDX-License-Identifier: MIT
// norma quality: errors that are what the types allow, in the order that scales promise.
#include <nlohmann/json.hpp>

#include "tests/support/cli_session.h"

namespace {

using namespace norma::test;
using nlohmann::json;

const std::string minilm = "--input " NORMA_SOURCE_DIR
                           "/examples/data/minilm_layer_norm.safetensors --prefix encoder.layer.2.output.LayerNorm "
                           "--eps 1e-12 ";

json quality(const std::string &arguments) {
    const Result result = norma_command("quality " + arguments + " --json -");
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK(result.err.empty());
    return json::parse(result.out);
}

// The line of a type and scale by Norma's statistics, or of other statistics; null where there is none.
json line(const json &quality, const std::string &y, const std::string &scale,
          const std::string &statistics = "norma") {
    for (const json &result : quality.at("results")) {
        if (result.at("y") == y && result.at("scale") == scale && result.at("statistics") == statistics) {
            return result;
        }
    }
    return nullptr;
}

double snr(const json &quality, const std::string &y, const std::string &scale,
           const std::string &statistics = "norma") {
    const json found = line(quality, y, scale, statistics);
    INFO(y << " " << scale << " " << statistics);
    REQUIRE(!found.is_null());
    return found.at("snr_db");
}

std::string why_not(const json &quality, const std::string &y, const std::string &scale) {
    for (const json &left : quality.at("left_out")) {
        if (left.at("y") == y && left.at("scale") == scale) {
            return left.at("why");
        }
    }
    return "";
}

bool within(double value, double low, double high) { return value >= low && value <= high; }

}  // namespace

TEST_CASE("quality of each type is what its rounding allows", "[cli]") {
    const json report = quality("layer_norm " + minilm), rms = quality("rms_norm " + minilm);
    CHECK(report.at("rows") == 30);
    CHECK(report.at("hidden") == 384);
    CHECK(report.at("largest_y").get<double>() == Approx(9.66).margin(0.01));
    CHECK(within(snr(report, "f32", "none"), 135, 155));
    CHECK(within(snr(rms, "f16", "none"), 70, 78));
    CHECK(within(snr(rms, "bf16", "none"), 53, 59));
    CHECK(within(snr(report, "i8", "row"), 34, 42));
    CHECK(within(snr(report, "i8", "tensor"), 25, 33));
    CHECK(within(snr(report, "f8_e4m3", "row"), 30, 34));
    // Half a step of the largest |y|, but for the error in fp32.
    const double step = report.at("largest_y").get<double>() / 127;
    CHECK(within(line(report, "i8", "tensor").at("largest_error"), 0.45 * step, 0.501 * step));
    CHECK(contains(line(report, "i8", "row").at("kernel"), "layer_norm_forward.x_f32.w_f32.b_f32.y_i8.q_row"));
    // A line, or why there is none, for each type and scale.
    CHECK(report.at("results").size() + report.at("left_out").size() == 3 + 3 * 5 + 1 + 4);
}

TEST_CASE("quality is no worse with scales for less", "[cli]") {
    const json layer = quality("layer_norm " + minilm), rms = quality("rms_norm --x-dtype bf16 " + minilm);
    CHECK(rms.at("x") == "bf16");
    CHECK(snr(layer, "i8", "row") > snr(layer, "i8", "tensor"));
    CHECK(snr(layer, "f8_e4m3", "row") > snr(layer, "f8_e4m3", "tensor"));
    CHECK(snr(rms, "i8", "group_32") > snr(rms, "i8", "group_64"));
    CHECK(snr(rms, "i8", "group_64") > snr(rms, "i8", "row"));
}

TEST_CASE("quality shows what low precision does to statistics", "[cli]") {
    const json near = quality("layer_norm " + minilm), far = quality("layer_norm --shift 100 " + minilm);
    CHECK(within(snr(near, "f64", "none", "f16"), 60, 80));
    CHECK(within(snr(near, "f64", "none", "bf16"), 45, 57));
    CHECK(within(snr(near, "f64", "none", "f32 one pass"), 135, 160));
    CHECK(snr(far, "f64", "none", "bf16") < 10);
    CHECK(within(snr(far, "f64", "none", "f16"), 25, 45));
    CHECK(snr(far, "f64", "none", "f32 one pass") < snr(near, "f64", "none", "f32 one pass") - 40);
    CHECK(snr(far, "f32", "none") > 130);
    CHECK(line(quality("layer_norm --shift 1e6 " + minilm), "f64", "none", "f16").at("snr_db").is_null());
    CHECK(line(quality("rms_norm " + minilm), "f64", "none", "f32 one pass").is_null());  // which has one anyway
}

TEST_CASE("quality of zeros has no error", "[cli]") {
    Session s;
    for (const char *name : {"x", "weight", "bias"}) {
        const std::vector<int64_t> shape =
            name == std::string("x") ? std::vector<int64_t>{3, 64} : std::vector<int64_t>{64};
        s.input.tensors[name] = tensor("F32", shape, 1);
        std::fill(s.input.tensors[name].bytes.begin(), s.input.tensors[name].bytes.end(), char(0));
    }
    st::write(s.in, s.input);
    const json report = quality("layer_norm --input " + s.in);
    for (const json &result : report.at("results")) {
        INFO(result);
        CHECK(result.at("largest_error") == 0);
        CHECK(result.at("snr_db") == "inf");
    }
}

TEST_CASE("quality prints a table, and what is left out of it", "[cli]") {
    Session s;
    st::write(s.in, s.input);
    const std::string command = "quality rms_norm --input " + s.in;
    const Result table = norma_command(command + " --json " + s.out);
    CHECK(table.status == 0);
    CHECK(contains(table.out, "rms_norm of 3 x 40 in f32, eps 1e-05; largest |y| "));
    CHECK(contains(table.out, "\nf32       none       norma "));
    CHECK(contains(table.out, "\nf64       none       bf16 "));
    CHECK(contains(table.out, "\nleft out, the hidden size 40 is not whole groups: i8 group_32 group_64 group_128\n"));
    const json report = json::parse(read(s.out));
    CHECK(why_not(report, "i8", "group_64") == "the hidden size 40 is not whole groups");
    CHECK(why_not(report, "f8_e5m2", "tensor") == "not in this library");
    CHECK(norma_command(command + " > /dev/full").status == 1);
}

TEST_CASE("quality refuses in one line", "[cli]") {
    Session s;
    const auto refused = [&](const std::string &arguments, const std::string &part) {
        st::write(s.in, s.input);
        check_refused("norma", norma_command("quality layer_norm --input " + s.in + " " + arguments), part);
    };
    check_refused("norma", norma_command("quality layer_norm --input /no/such/file"), "cannot be read");
    check_refused("norma", norma_command("quality layer_norm"), "--input is required");
    check_refused("norma", norma_command("quality layer_norm_backward " + minilm), "layer_norm_backward");
    refused("--prefix encoder", "has no tensor \"encoder.x\"");
    for (const char *eps : {"-1", "1e39", "nan", "1e-46", "1e-400", "''"}) {
        refused(std::string("--eps ") + eps, "expected 0, or a finite number above 0 in fp32");
    }
    refused("--x-dtype i8", "--x-dtype");
    refused("--shift much", "--shift");
    refused("--json /no/such/folder/file", "--json: cannot write \"/no/such/folder/file\"");
    refused("--shift inf", "row 0 of x has no finite norm");
    s.input.tensors["weight"].shape = {8, 5};
    refused("", "expected the shape [40]");
    s.input.tensors["weight"] = st::Tensor{"I8", {40}, std::vector<char>(40)};
    refused("", "has a tensor of I8; expected F32, F16 or BF16");
    s.input.tensors.erase("weight");
    s.input.tensors["x"] = tensor("BF16", {3, 40}, 1);
    refused("--shift 1", "x is BF16; expected F32 with --x-dtype or --shift");
    refused("--x-dtype f16", "x is BF16; expected F32 with --x-dtype or --shift");
    s.input.tensors["x"] = tensor("F32", {0, 40}, 1);
    refused("", "x has no rows");
}
