// SPDX-License-Identifier: MIT
// CUDA kernels as they leave the generator: their host code called as the runtime does, their PTX executed by the
// interpreter, held against float64; and what their PTX must look like.
#include <HalideRuntime.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <random>

#include "generators/algorithms/numeric.h"
#include "generators/codegen/cuda_figures.h"
#include "generators/codegen/device/device.h"
#include "generators/codegen/kernel.h"
#include "schedules/strategies/strategies.h"
#include "tests/support/catch.h"
#include "tests/support/cuda/interpreted.h"
#include "tools/base/files.h"
#include "tools/base/subprocess.h"
#include "tools/base/temporary_directory.h"

namespace {

using namespace norma;
namespace fs = std::filesystem;

int count(const std::string &text, const std::string &what) {
    int found = 0;
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at++) {
        found++;
    }
    return found;
}

float half_to_float(uint16_t bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const float magnitude = exponent == 31  ? (mantissa != 0 ? NAN : INFINITY)
                            : exponent == 0 ? std::ldexp((float)mantissa, -24)
                                            : std::ldexp((float)(mantissa + 1024), exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float bfloat_to_float(uint16_t bits) {
    const uint32_t word = (uint32_t)bits << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

// A tensor on the interpreter's device: [rows, hidden] of a type.
struct Tensor {
    norma_dtype type;
    int hidden, rows;
    void *data;
    halide_dimension_t dimensions[2];
    halide_buffer_t buffer{};

    Tensor(ptx::Memory &memory, norma_dtype type, int hidden, int rows, int rank)
        : type(type),
          hidden(hidden),
          rows(rows),
          data(memory.allocate(bytes())),
          dimensions{{0, rank == 1 && rows > 1 ? rows : hidden, 1, 0}, {0, rows, hidden, 0}} {
        buffer.device = (uint64_t)(uintptr_t)data;
        buffer.dimensions = rank;
        buffer.dim = dimensions;
        buffer.type = halide_type(type);
    }
    Tensor(const Tensor &) = delete;
    size_t bytes() const { return (size_t)hidden * rows * halide_type(type).bytes(); }

    double at(int row, int d) const {
        const size_t i = (size_t)row * hidden + d;
        switch (type) {
            case NORMA_F16: return half_to_float(static_cast<uint16_t *>(data)[i]);
            case NORMA_BF16: return bfloat_to_float(static_cast<uint16_t *>(data)[i]);
            case NORMA_I8: return static_cast<int8_t *>(data)[i];
            default: return static_cast<float *>(data)[i];
        }
    }
    void set(size_t i, float value) {
        if (type == NORMA_F32) {
            static_cast<float *>(data)[i] = value;
        } else if (type == NORMA_BF16) {
            uint32_t word;
            std::memcpy(&word, &value, sizeof word);
            static_cast<uint16_t *>(data)[i] = (uint16_t)(word >> 16);
        } else {
            // A multiple of 1/64 below 16 is exact.
            const float rounded = std::round(value * 64) / 64;
            int exponent;
            const float mantissa = std::frexp(std::fabs(rounded), &exponent);
            const uint16_t bits =
                rounded == 0 ? 0 : (uint16_t)((exponent + 14) << 10 | ((int)(mantissa * 2048) & 1023));
            static_cast<uint16_t *>(data)[i] = (uint16_t)(bits | (rounded < 0 ? 0x8000 : 0));
        }
    }
};

struct Kernel {
    KernelSpec spec;
    CompiledKernel compiled;
    std::string text;
    norma::test::HostCode run = nullptr;

    // Halide numbers the names that a process has used before.
    void compile_in_subprocess(const std::string &object) {
        const nlohmann::json made = run_in_subprocess(
            [&] {
                const CompiledKernel kernel = compile_kernel(spec, object);
                return nlohmann::json{{"arguments", kernel.arguments},
                                      {"alignment", kernel.alignment},
                                      {"threads", kernel.threads},
                                      {"spills", kernel.resources.at(0).spill_bytes}};
            },
            600);
        INFO(made.dump());
        REQUIRE(made.count("why") == 0);
        made.at("arguments").get_to(compiled.arguments);
        made.at("alignment").get_to(compiled.alignment);
        made.at("threads").get_to(compiled.threads);
        compiled.resources.push_back({80, 0, made.at("spills")});
    }

    explicit Kernel(const std::string &name) {
        spec.variant = parse_name(name);
        spec.target = {"cuda-sm80", "x86-64-linux-cuda-cuda_capability_80", nlohmann::json::object(), {80}, {}};
        spec.strategy = default_strategy(spec.variant, spec.target).name;
        spec.knobs = nlohmann::json::object();
        const TemporaryDirectory directory(fs::temp_directory_path() / "cuda_rows_test");
        const std::string object = directory / "kernel.o";
        compile_in_subprocess(object);
        text = read_file(ptx_path(object));
        run = norma::test::load_host_code(object, symbol(spec) + "_argv");
    }
};

norma_dtype type_of(const Variant &variant, const std::string &role) {
    return role == "x"              ? variant.x
           : role == "y"            ? variant.y
           : role == "weight"       ? variant.weight
           : role == "bias"         ? variant.bias
           : role == "residual"     ? variant.residual
           : role == "residual_out" ? variant.residual
                                    : NORMA_F32;
}

struct Run {
    norma::test::Interpreted launch;
    std::map<std::string, std::unique_ptr<Tensor>> tensors;

    Run(const Kernel &kernel, int rows, float offset) {
        const Variant &variant = kernel.spec.variant;
        const int hidden = variant.hidden.exact;
        launch.module = ptx::parse(kernel.text);
        norma::test::launch_on(&launch);
        float eps = 1e-5f, weight_offset = 0.5f;
        void *context = nullptr, *context_address = &context;
        std::mt19937 random(1);
        std::normal_distribution<float> normal;
        std::vector<void *> arguments;
        for (const std::string &role : kernel.compiled.arguments) {
            if (role == "user_context" || role == "eps" || role == "weight_offset") {
                arguments.push_back(role == "eps"             ? (void *)&eps
                                    : role == "weight_offset" ? (void *)&weight_offset
                                                              : (void *)&context_address);
                continue;
            }
            const bool statistic = role == "mean" || role == "rstd" || role == "y_scale";
            const bool vector = role == "weight" || role == "bias";
            auto tensor = std::make_unique<Tensor>(launch.memory, type_of(variant, role), statistic ? 1 : hidden,
                                                   vector ? 1 : rows, statistic || vector ? 1 : 2);
            for (size_t i = 0; i < (size_t)tensor->hidden * tensor->rows; i++) {
                const bool input = role == "x" || role == "residual" || vector ||
                                   (role == "y_scale" && variant.scale == NORMA_SCALE_TENSOR);
                if (input) {
                    tensor->set(i, role == "y_scale" ? 0.05f : normal(random) + (role == "x" ? offset : 0));
                }
            }
            arguments.push_back(&tensor->buffer);
            tensors[role] = std::move(tensor);
        }
        REQUIRE(kernel.run(arguments.data()) == 0);
        CHECK(launch.failure == "");
    }
    const Tensor &operator[](const std::string &role) const { return *tensors.at(role); }
    bool has(const std::string &role) const { return tensors.count(role) != 0; }
};

double spacing(norma_dtype type, double magnitude) {
    const int bits = type == NORMA_F32 ? 23 : type == NORMA_F16 ? 10 : 7;
    return std::ldexp(1.0, (int)std::floor(std::log2(magnitude)) - bits);
}

// y against the formula in float64: within 4 ULP of the row's largest magnitude in fp32, and one rounding to a half.
void check(const std::string &name, int rows, float offset = 0) {
    INFO(name << ", " << rows << " rows, around " << offset);
    const Kernel kernel(name);
    const Run run(kernel, rows, offset);
    const Variant &variant = kernel.spec.variant;
    const int hidden = variant.hidden.exact;
    const bool centred = variant.op == NORMA_LAYER_NORM_FORWARD;
    for (int row = 0; row < rows; row++) {
        std::vector<double> x(hidden);
        double sum = 0, squares = 0, most = 0;
        for (int d = 0; d < hidden; d++) {
            x[d] = run.has("residual") ? run["residual_out"].at(row, d) : run["x"].at(row, d);
            if (run.has("residual")) {
                const double exact = run["x"].at(row, d) + run["residual"].at(row, d);
                REQUIRE(std::fabs(x[d] - exact) <= spacing(variant.residual, std::fabs(exact) + 1e-30));
            }
            sum += x[d];
        }
        const double mean = centred ? sum / hidden : 0;
        for (double &value : x) {
            value -= mean;
            squares += value * value;
        }
        const double rstd = 1 / std::sqrt(squares / hidden + 1e-5f);
        for (int d = 0; d < hidden; d++) {
            x[d] *= rstd;
            x[d] *= run.has("weight") ? run["weight"].at(0, d) + 0.5 : 1;
            x[d] += run.has("bias") ? run["bias"].at(0, d) : 0;
            most = std::max(most, std::fabs(x[d]));
        }
        REQUIRE(std::fabs(run["rstd"].at(row, 0) - rstd) <= 4 * spacing(NORMA_F32, rstd));
        if (run.has("mean")) {
            REQUIRE(std::fabs(run["mean"].at(row, 0) - mean) <= 4 * spacing(NORMA_F32, std::fabs(offset) + 1));
        }
        const double step = is_quantized(variant.y) ? run["y_scale"].at(row, 0) : 1;
        for (int d = 0; d < hidden; d++) {
            const double got = run["y"].at(row, d) * step;
            const double rounding = is_quantized(variant.y)  ? 0.501 * step
                                    : variant.y == NORMA_F32 ? 0
                                                             : 0.501 * spacing(variant.y, std::fabs(x[d]) + 1e-30);
            const double twice = variant.contract == NORMA_HF ? 2.5 * spacing(variant.x, most) : 0;
            REQUIRE(std::fabs(got - x[d]) <= 4 * spacing(NORMA_F32, most) + rounding + twice);
        }
    }
}

}  // namespace

TEST_CASE("a warp per row computes what the formula says, in every type") {
    for (const char *type : {"f32", "f16", "bf16"}) {
        const std::string t = type;
        check("rms_norm_forward.x_" + t + ".w_" + t + ".y_" + t + ".fp32_once.128", 6);
        check("layer_norm_forward.x_" + t + ".w_" + t + ".b_" + t + ".y_" + t + ".fp32_once.768", 5);
    }
}

TEST_CASE("a block per row computes what the formula says, in every type") {
    for (const char *type : {"f32", "f16", "bf16"}) {
        const std::string t = type;
        check("rms_norm_forward.x_" + t + ".w_" + t + ".y_" + t + ".fp32_once.4096", 2);
        check("layer_norm_forward.x_" + t + ".y_" + t + ".fp32_once.5120", 2);
    }
}

TEST_CASE("options: residual, other types of the weight, contract hf, rows far from zero") {
    check("layer_norm_forward.x_bf16.w_bf16.b_bf16.r_bf16.y_bf16.fp32_once.4096", 2);
    check("rms_norm_forward.x_bf16.w_f32.r_f32.y_bf16.fp32_once.2048", 2);
    check("rms_norm_forward.x_bf16.w_bf16.y_bf16.hf.768", 3);
    check("layer_norm_forward.x_f32.y_f32.fp32_once.4096", 2, 3);
}

TEST_CASE("int8 with a scale for each row") { check("rms_norm_forward.x_bf16.w_bf16.y_i8.q_row.fp32_once.4096", 1); }

TEST_CASE("lanes that hold a group exchange what they found of it, and no others") {
    // 5 for the mean; of 4 vectors of 8 elements each, 2 for the 4 lanes of a group.
    const Kernel block("rms_norm_forward.x_bf16.w_bf16.y_i8.q_group_32.fp32_once.4096");
    CHECK(count(block.text, "shfl.sync.bfly") == 5 + 4 * 2);
    // To the 8 lanes of a warp that store its groups; a warp's sum and rstd are in all lanes.
    CHECK(count(block.text, "shfl.sync.idx") == 4);
    CHECK(count(block.text, "bar.sync") == 1);
}

TEST_CASE("a kernel's code is as its family promises") {
    const Kernel block("layer_norm_forward.x_bf16.w_bf16.y_bf16.fp32_once.4096");
    const CodeFigures figures = ptx_figures(block.text);
    CHECK(block.compiled.threads == 128);
    CHECK(block.compiled.alignment == 16);
    CHECK(figures.wide_loads == 8);  // x and the weight, 32 elements of each
    CHECK(figures.wide_stores == 4);
    CHECK(block.text.find("cvt.f64") == std::string::npos);
    CHECK(block.compiled.resources.at(0).spill_bytes == 0);
    CHECK(count(block.text, "bar.sync") == 2);       // its two sweeps
    CHECK(count(block.text, "ld.shared") == 3 * 2);  // of four warps' sums, two at a time
    CHECK(count(block.text, "shfl.sync.idx") == 0);
    CHECK(count(block.text, "sub.f32") == 1);  // the shift, which is then added to each element once
    CHECK(count(block.text, "shl.b32") < 36);  // the lower half of each word of x and the weight, once

    const Kernel narrow("rms_norm_forward.x_f16.w_f16.y_f16.fp32_once.128");
    CHECK(narrow.text.find("global.b16") == std::string::npos);

    const Kernel warp("rms_norm_forward.x_f32.y_f32.fp32_once.1024");
    CHECK(warp.text.find("bar.sync") == std::string::npos);
    CHECK(warp.text.find("shared") == std::string::npos);
}

TEST_CASE("a backward reads its rows once, and waits once in each") {
    const Kernel block("layer_norm_backward.x_f32.w_f32.b_f32.y_f32.fp32_once.4096");
    const CodeFigures figures = ptx_figures(block.text);
    CHECK(figures.wide_loads == 56);   // x and dy of the first row and of the next; weight; the sums of rows before
    CHECK(figures.wide_stores == 24);  // dx and the sums
    CHECK(count(block.text, "bar.sync") == 1);
    CHECK(count(block.text, "st.shared") == 2);
    CHECK(count(block.text, "cp.async.cg") == 32);
    CHECK(count(block.text, "ld.shared.v4") == 18);  // the copies of a row, and what warps exchange
    CHECK(block.compiled.resources.at(0).spill_bytes == 0);

    const Kernel warp("rms_norm_backward.x_bf16.w_bf16.y_bf16.fp32_once.256");
    CHECK(count(warp.text, "bar.sync") == 0);
    CHECK(ptx_figures(warp.text).wide_stores == 3);
}

TEST_CASE("bf16 goes by pairs, without arithmetic on halves of words") {
    const Kernel kernel("rms_norm_forward.x_bf16.w_bf16.y_bf16.fp32_once.1024");
    CHECK(count(kernel.text, "cvt.rn.bf16x2.f32") == 16);  // of 32 elements
    CHECK(kernel.text.find(".u16") == std::string::npos);
    CHECK(kernel.text.find(".b16") == std::string::npos);
    CHECK(ptx_figures(kernel.text).instructions < 600);  // 806 by integer arithmetic
}

TEST_CASE("what registers do not hold is refused") {
    const auto refused = [](const char *name) {
        KernelSpec spec;
        spec.variant = parse_name(name);
        spec.target = {"cuda-sm80", "x86-64-linux-cuda-cuda_capability_80", nlohmann::json::object(), {80}, {}};
        spec.strategy = "cuda_rows";
        spec.knobs = nlohmann::json::object();
        return refusal(spec);
    };
    CHECK(refused("rms_norm_forward.x_f32.y_f32.fp32_once.any").empty());
    CHECK(refused("rms_norm_forward.x_f32.y_f32.fp32_once.100").find("hidden is 100") == 0);
    CHECK(refused("rms_norm_forward.x_f32.y_f32.fp32_once.262144").find("hidden is 262144") == 0);
    CHECK(refused("rms_norm_backward.x_f32.w_f32.y_f32.fp32_once.16384").find("hidden is 16384") == 0);
    CHECK(refused("rms_norm_forward.x_bf16.r_f16.y_i8.q_group_64.fp32_once.64").find("scale is group_64") == 0);
}
