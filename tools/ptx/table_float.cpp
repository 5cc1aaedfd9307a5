// SPDX-License-Identifier: MIT
// f32 and f64 arithmetic. f32 results that are NaN are the canonical one; subnormal numbers are kept unless .ftz.
// The approximations give the nearest f32, which is within what the PTX ISA allows and better than most GPUs.
#include <cmath>
#include <limits>

#include "rounding.h"
#include "table.h"

namespace ptx {

namespace {

template <class T>
T tidy(T value) {
    if constexpr (std::is_same_v<T, float>) {
        return canonical(value);
    } else {
        return value;
    }
}

template <class T>
T add(T a, T b) {
    return tidy(a + b);
}
template <class T>
T sub(T a, T b) {
    return tidy(a - b);
}
template <class T>
T mul(T a, T b) {
    return tidy(a * b);
}
template <class T>
T div(T a, T b) {
    return tidy(a / b);
}
template <class T>
T fma(T a, T b, T c) {
    return tidy(std::fma(a, b, c));
}
template <class T>
T sqrt(T a) {
    return tidy(std::sqrt(a));
}
template <class T>
T reciprocal(T a) {
    return tidy(T(1) / a);
}
// Either operand where the other is NaN; -0 is below +0.
template <class T>
T minimum(T a, T b) {
    return std::isnan(a) ? tidy(b) : std::isnan(b) ? a : a == b ? (std::signbit(a) ? a : b) : a < b ? a : b;
}
template <class T>
T maximum(T a, T b) {
    return std::isnan(a) ? tidy(b) : std::isnan(b) ? a : a == b ? (std::signbit(a) ? b : a) : a > b ? a : b;
}
float minimum_or_nan(float a, float b) { return std::isnan(a) || std::isnan(b) ? canonical(NAN) : minimum(a, b); }
float maximum_or_nan(float a, float b) { return std::isnan(a) || std::isnan(b) ? canonical(NAN) : maximum(a, b); }
template <class T>
T negate(T a) {
    return -a;
}
template <class T>
T absolute(T a) {
    return std::fabs(a);
}
template <class T>
T copy_sign(T sign, T value) {
    return std::copysign(value, sign);
}

float reciprocal_root(float a) { return canonical((float)(1 / std::sqrt((double)a))); }
double reciprocal_root_f64(double a) { return 1 / std::sqrt(a); }
float power_of_2(float a) { return canonical((float)std::exp2((double)a)); }
float log_2(float a) { return canonical((float)std::log2((double)a)); }
float sine(float a) { return canonical((float)std::sin((double)a)); }
float cosine(float a) { return canonical((float)std::cos((double)a)); }
float tangent_h(float a) { return canonical((float)std::tanh((double)a)); }

float flush(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value; }
float saturate(float value) { return value >= 1 ? 1.0f : value > 0 ? value : 0.0f; }  // NaN and -0 to +0

template <auto function>
struct Around;
template <class... A, float (*function)(A...)>
struct Around<function> {
    static float flushed(A... a) { return flush(function(flush(a)...)); }
    static float saturated(A... a) { return saturate(function(a...)); }
};

// The row, and its form with .ftz before the type.
template <auto function>
void add_f32(Rows &rows, const std::string &name, const std::string &optional = "") {
    rows.push_back(row<function>(name + ".f32", optional));
    rows.push_back(row<Around<function>::flushed>(name + ".ftz.f32", optional));
}

template <class T>
void add_exact(Rows &rows, const std::string &type) {
    rows.insert(rows.end(),
                {row<add<T>>("add." + type, "rn"), row<sub<T>>("sub." + type, "rn"), row<mul<T>>("mul." + type, "rn"),
                 row<fma<T>>("fma.rn." + type), row<fma<T>>("mad.rn." + type), row<div<T>>("div.rn." + type),
                 row<sqrt<T>>("sqrt.rn." + type), row<reciprocal<T>>("rcp.rn." + type), row<minimum<T>>("min." + type),
                 row<maximum<T>>("max." + type), row<negate<T>>("neg." + type), row<absolute<T>>("abs." + type),
                 row<copy_sign<T>>("copysign." + type)});
}

}  // namespace

void add_float_rows(Rows &rows) {
    add_exact<float>(rows, "f32");
    add_exact<double>(rows, "f64");
    rows.insert(
        rows.end(),
        {row<Around<add<float>>::flushed>("add.ftz.f32", "rn"), row<Around<sub<float>>::flushed>("sub.ftz.f32", "rn"),
         row<Around<mul<float>>::flushed>("mul.ftz.f32", "rn"), row<Around<fma<float>>::flushed>("fma.rn.ftz.f32"),
         row<Around<div<float>>::flushed>("div.rn.ftz.f32"), row<Around<sqrt<float>>::flushed>("sqrt.rn.ftz.f32"),
         row<Around<reciprocal<float>>::flushed>("rcp.rn.ftz.f32"), row<Around<minimum<float>>::flushed>("min.ftz.f32"),
         row<Around<maximum<float>>::flushed>("max.ftz.f32"), row<Around<negate<float>>::flushed>("neg.ftz.f32"),
         row<Around<absolute<float>>::flushed>("abs.ftz.f32"), row<Around<add<float>>::saturated>("add.sat.f32", "rn"),
         row<Around<mul<float>>::saturated>("mul.sat.f32", "rn"), row<Around<fma<float>>::saturated>("fma.rn.sat.f32"),
         row<minimum_or_nan>("min.NaN.f32"), row<maximum_or_nan>("max.NaN.f32")});
    add_f32<div<float>>(rows, "div.approx");
    add_f32<div<float>>(rows, "div.full");
    add_f32<sqrt<float>>(rows, "sqrt.approx");
    add_f32<reciprocal<float>>(rows, "rcp.approx");
    add_f32<reciprocal_root>(rows, "rsqrt.approx");
    add_f32<power_of_2>(rows, "ex2.approx");
    add_f32<log_2>(rows, "lg2.approx");
    add_f32<sine>(rows, "sin.approx");
    add_f32<cosine>(rows, "cos.approx");
    rows.push_back(row<tangent_h>("tanh.approx.f32"));
    rows.push_back(row<reciprocal_root_f64>("rsqrt.approx.f64"));
}

}  // namespace ptx
