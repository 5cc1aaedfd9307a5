// SPDX-License-Identifier: MIT
// layer_norm, rms_norm and their backwards: the arguments of Python, and what they mean for a run.
#include "norms.h"

#include <string>

#include "run.h"
#include "words.h"

namespace norma::python {
namespace {

constexpr const char *forward_arguments =
    "residual: Array | None = None, "
    "eps: float = EPS, "
    "weight_offset: float = 0.0, "
    "out: Array | None = None, "
    "residual_out: Array | None = None, "
    "statistics: bool = False, "
    "y_dtype: str | None = None, "
    "scale: str | None = None, "
    "y_scale: Array | float | None = None, "
    "y_zero_point: int = 0, "
    "y_float: str | None = None, "
    "x_scale: Array | float | None = None, "
    "x_column_scale: Array | None = None, "
    "contract: str | None = None, "
    "target: str | None = None, "
    "threads: int = 0, "
    "shard: Shard | None = None) -> Any";

constexpr const char *forward_doc = R"(FORMULA

Where residual is given, x + residual, rounded to residual's type and returned as residual_out, takes the place of x.

Args:
    x: [..., hidden] with 1 to 4 dimensions, the last contiguous, of float32, float16, bfloat16, int8 or int32.
    weight, bias: [hidden], of x's type or float32.
    residual: of x's shape.
    eps: 0 or more, as a float32.
    weight_offset: added to the weight: 1 for Gemma.
    out, residual_out: where results go, in place of new arrays; out may be x, and residual_out residual.
    statistics: whether the mean (of layer_norm) and rstd, float32 [...], are returned for a backward.
    y_dtype: type of the result: "f32", "f16", "bf16", "i8", "u8", "f8_e4m3" or "f8_e5m2"; x's unless out has another.
    scale: of a y of 8 bits: "tensor" (y_scale is given), "row", "group_32", "group_64" or "group_128" (returned).
    y_scale: with scale="tensor", a positive number, or a float32 array without dimensions.
    y_zero_point: of a y of uint8, 0 to 255.
    y_float: type of a second result that is not quantized.
    x_scale: of an x of int8 or int32: a number, or float32 [...].
    x_column_scale: of an x of int32: float32 [hidden].
    contract: "fp32_once", or for rms_norm "hf", which rounds as LlamaRMSNorm of transformers, or
        "relaxed", where the library has such a kernel.
    target: for example "x86-64-v3"; the best that this machine supports.
    threads: at most so many; 0: norma.get_num_threads().
    shard: where arrays on the CPU are slices of the last dimension, spread over ranks: without x_scale and contract
        "hf". A y_scale that is returned for each row is that of its slice.

Returns:
    y; or a tuple of those asked for, in this order: y, residual_out, mean, rstd, y_scale, y_float. New arrays are of x's
    library, and contiguous.

Raises:
    TypeError: an argument is no array, or has elements of a type that Norma does not know.
    ValueError: shapes, types, strides or options that do not fit each other; nothing has been written.
    norma.NotInLibraryError: this build has no such kernel.
)";

constexpr const char *backward_arguments =
    "mean: Array | None = None, "
    "rstd: Array | None = None, "
    "d_residual: Array | None = None, "
    "bias: bool = False, "
    "eps: float = EPS, "
    "weight_offset: float = 0.0, "
    "dx: Array | None = None, "
    "dweight: Array | None = None, "
    "dbias: Array | None = None, "
    "accumulate: bool = False, "
    "f32_gradients: bool = False, "
    "contract: str | None = None, "
    "target: str | None = None, "
    "threads: int = 0, "
    "shard: Shard | None = None) -> Any";

constexpr const char *backward_doc =
    R"(The gradients of FORWARD, in one pass over the rows; the same bits on any number of threads.

Args:
    dy: gradient of y, [..., hidden].
    x: what the forward normalized: its residual_out where it had a residual.
    weight: [hidden], as in the forward.
    mean, rstd: the forward's statistics, float32 [...]. Without rstd they are computed once more from x, with eps.
    d_residual: gradient that reaches residual_out by the other path, added to dx.
    bias: whether to return the bias's gradient, in the weight's type (without one in x's); so it is where dbias is given.
    dx, dweight, dbias: where gradients go, in place of new arrays; dx may be d_residual.
    accumulate: whether the gradients of weight and bias are added to what dweight and dbias hold, which must be given
        then, with one rounding of the sum: for one more micro-batch.
    f32_gradients: whether the gradients of weight and bias are float32 whatever the weight is.
    eps, weight_offset, contract, target, threads, shard: as in the forward. A shard needs rstd.

Returns:
    dx; or a tuple of dx, and the gradients of weight and bias where there are.

Raises:
    As the forward.
)";

struct Norm {
    const char *name, *eps, *formula;
};
constexpr Norm layer{"layer_norm", "1e-5", "y = (x - mean) / sqrt(variance + eps) * (weight + weight_offset) + bias"},
    rms{"rms_norm", "1e-6", "y = x / sqrt(mean(x^2) + eps) * (weight + weight_offset) + bias"};

std::string filled(std::string text, const char *key, const char *value) {
    const size_t at = text.find(key);
    return at == std::string::npos ? text : text.replace(at, strlen(key), value);
}

void set_choice(Run &run, nb::handle contract, nb::handle target, int threads) {
    run.desc.contract = value_of<norma_contract>(contract_words, "contract", contract);
    run.desc.target = text_of(target, "target");
    run.execution.threads = threads;
}

template <norma_op op>
nb::object forward(nb::handle x, nb::handle weight, nb::handle bias, nb::handle residual, double eps,
                   float weight_offset, nb::handle out, nb::handle residual_out, bool statistics, nb::handle y_dtype,
                   nb::handle scale, nb::handle y_scale, int y_zero_point, nb::handle y_float, nb::handle x_scale,
                   nb::handle x_column_scale, nb::handle contract, nb::handle target, int threads, const Shard *shard) {
    Run run(op, eps);
    run.give(Role::x, x);
    run.give(Role::weight, weight);
    run.give(Role::bias, bias);
    run.give(Role::residual, residual);
    run.give(Role::y, out);
    run.give(Role::residual_out, residual_out);
    run.give(Role::y_scale, y_scale);
    run.give(Role::x_scale, x_scale);
    run.give(Role::x_column_scale, x_column_scale);
    run.arguments.weight_offset = weight_offset;
    run.arguments.y_zero_point = y_zero_point;
    run.desc.y = value_of<norma_dtype>(dtype_words, "y_dtype", y_dtype);
    run.desc.scale = value_of<norma_scale>(scale_words, "scale", scale);
    run.desc.y_float = value_of<norma_dtype>(dtype_words, "y_float", y_float);
    run.desc.flags = statistics ? NORMA_SAVE_STATISTICS : 0;
    set_choice(run, contract, target, threads);
    run.shard = shard;
    run();
    return run.results();
}

template <norma_op op>
nb::object backward(nb::handle dy, nb::handle x, nb::handle weight, nb::handle mean, nb::handle rstd,
                    nb::handle d_residual, bool bias, double eps, float weight_offset, nb::handle dx,
                    nb::handle dweight, nb::handle dbias, bool accumulate, bool f32_gradients, nb::handle contract,
                    nb::handle target, int threads, const Shard *shard) {
    Run run(op, eps);
    run.give(Role::dy, dy);
    run.give(Role::x, x);
    run.give(Role::weight, weight);
    run.give(Role::mean, mean);
    run.give(Role::rstd, rstd);
    run.give(Role::d_residual, d_residual);
    run.give(Role::dx, dx);
    run.give(Role::dweight, dweight);
    run.give(Role::dbias, dbias);
    run.arguments.weight_offset = weight_offset;
    run.wants_dbias = bias || !dbias.is_none();
    run.desc.flags = (rstd.is_none() ? NORMA_RECOMPUTE_STATISTICS : 0) | (f32_gradients ? NORMA_F32_GRADIENTS : 0) |
                     (accumulate ? NORMA_ACCUMULATE_GRADIENTS : 0);
    set_choice(run, contract, target, threads);
    run.shard = shard;
    run();
    return run.results();
}

template <norma_op forward_op, norma_op backward_op>
void define(nb::module_ &module, const Norm &norm, double eps) {
    using namespace nb::literals;
    const std::string name = norm.name, arguments = filled(forward_arguments, "EPS", norm.eps);
    module.def(
        name.c_str(), forward<forward_op>, "x"_a, "weight"_a = nullptr, "bias"_a = nullptr, nb::kw_only(),
        "residual"_a = nullptr, "eps"_a = eps, "weight_offset"_a = 0.0f, "out"_a = nullptr, "residual_out"_a = nullptr,
        "statistics"_a = false, "y_dtype"_a = nullptr, "scale"_a = nullptr, "y_scale"_a = nullptr, "y_zero_point"_a = 0,
        "y_float"_a = nullptr, "x_scale"_a = nullptr, "x_column_scale"_a = nullptr, "contract"_a = nullptr,
        "target"_a = nullptr, "threads"_a = 0, "shard"_a.none() = nullptr,
        nb::sig(("def " + name + "(x: Array, weight: Array | None = None, bias: Array | None = None, *, " + arguments)
                    .c_str()),
        filled(forward_doc, "FORMULA", norm.formula).c_str());
    const std::string backward_name = name + "_backward", rest = filled(backward_arguments, "EPS", norm.eps);
    module.def(
        backward_name.c_str(), backward<backward_op>, "dy"_a, "x"_a, "weight"_a = nullptr, nb::kw_only(),
        "mean"_a = nullptr, "rstd"_a = nullptr, "d_residual"_a = nullptr, "bias"_a = false, "eps"_a = eps,
        "weight_offset"_a = 0.0f, "dx"_a = nullptr, "dweight"_a = nullptr, "dbias"_a = nullptr, "accumulate"_a = false,
        "f32_gradients"_a = false, "contract"_a = nullptr, "target"_a = nullptr, "threads"_a = 0,
        "shard"_a.none() = nullptr,
        nb::sig(("def " + backward_name + "(dy: Array, x: Array, weight: Array | None = None, *, " + rest).c_str()),
        filled(backward_doc, "FORWARD", norm.name).c_str());
}

}  // namespace

void define_norms(nb::module_ &module) {
    define<NORMA_LAYER_NORM_FORWARD, NORMA_LAYER_NORM_BACKWARD>(module, layer, 1e-5);
    define<NORMA_RMS_NORM_FORWARD, NORMA_RMS_NORM_BACKWARD>(module, rms, 1e-6);
}

}  // namespace norma::python
