// SPDX-License-Identifier: MIT
// Writes a plain rms_norm for CUDA as two objects, toy_wide.o with 128-bit accesses and toy_narrow.o without: kernels
// as Halide compiles them, called as normagen's are.
#include <Halide.h>

#include <string>

#include "generators/passes/cpu/output_stores.h"

namespace {

using namespace Halide;

void compile(const std::string &directory, const std::string &name, int width) {
    ImageParam x(Float(32), 2, "x"), weight(Float(32), 1, "weight");
    Param<float> eps("eps");
    Var d("d"), r("r"), t("t"), v("v");
    Func square_sum("square_sum"), scale("scale"), y("y"), rstd("rstd");
    const Expr hidden = x.dim(0).extent();
    const RDom k(0, hidden);
    square_sum(r) += x(k, r) * x(k, r);
    scale(r) = 1.0f / sqrt(square_sum(r) / cast<float>(hidden) + eps);
    y(d, r) = x(d, r) * scale(r) * weight(d);
    rstd(r) = scale(r);

    y.split(d, d, t, 32 * width, TailStrategy::GuardWithIf).split(t, t, v, width).gpu_blocks(d, r).gpu_threads(t);
    y.vectorize(v);
    rstd.gpu_tile(r, t, 32, TailStrategy::GuardWithIf);
    x.set_host_alignment(4 * width);
    weight.set_host_alignment(4 * width);
    y.output_buffer().set_host_alignment(4 * width);
    for (OutputImageParam buffer : {static_cast<OutputImageParam>(x), y.output_buffer()}) {
        buffer.dim(0).set_min(0);
        buffer.dim(0).set_extent(hidden / 128 * 128);
        buffer.dim(1).set_min(0);
        buffer.dim(1).set_stride(buffer.dim(1).stride() / width * width);
    }
    rstd.output_buffer().dim(0).set_min(0).set_stride(Expr());

    const Target target = get_host_target()
                              .with_feature(Target::CUDA)
                              .with_feature(Target::CUDACapability80)
                              .with_feature(Target::NoRuntime)
                              .with_feature(Target::UserContext)
                              .with_feature(Target::StrictFloat)
                              .with_feature(Target::NoAsserts)
                              .with_feature(Target::NoBoundsQuery);
    Pipeline pipeline({y, rstd});
    pipeline.add_custom_lowering_pass(new norma::OutputStoresPass({"rstd"}, norma::store_if_wanted));
    pipeline.compile_to({{OutputFileType::object, directory + "/" + name + ".o"}}, {x, weight, eps}, name, target);
}

}  // namespace

int main(int, char **arguments) {
    compile(arguments[1], "toy_wide", 4);
    compile(arguments[1], "toy_narrow", 1);
}
