// SPDX-License-Identifier: MIT
// f16 and bf16 arithmetic, scalar and packed: each operation is formed exactly, or rounded to odd, in float64 and
// rounded once.
#include "rounding.h"
#include "table.h"

namespace ptx {

namespace {

template <class T>
constexpr Format format = std::is_same_v<T, Half> ? f16 : bf16;

template <class T>
double wide(T a) {
    return decoded(format<T>, a.bits);
}
template <class T>
T narrow(double value) {
    return {(uint16_t)rounded(format<T>, exact(value), Rounding::nearest)};
}

template <class T>
T add(T a, T b) {
    return narrow<T>(odd_fma(wide(a), 1, wide(b)));
}
template <class T>
T sub(T a, T b) {
    return narrow<T>(odd_fma(wide(a), 1, -wide(b)));
}
template <class T>
T mul(T a, T b) {
    return narrow<T>(wide(a) * wide(b));
}
template <class T>
T fma(T a, T b, T c) {
    return narrow<T>(odd_fma(wide(a), wide(b), wide(c)));
}
template <class T>
bool is_nan(T a) {
    return std::isnan(wide(a));
}
template <class T>
bool below(T a, T b) {
    return wide(a) < wide(b) || (wide(a) == wide(b) && a.bits > b.bits);  // -0 below +0
}
template <class T>
T minimum(T a, T b) {
    return is_nan(a) ? (is_nan(b) ? T{0x7fff} : b) : is_nan(b) || below(a, b) ? a : b;
}
template <class T>
T maximum(T a, T b) {
    return is_nan(a) ? (is_nan(b) ? T{0x7fff} : b) : is_nan(b) || below(b, a) ? a : b;
}
template <class T>
T negate(T a) {
    return {(uint16_t)(a.bits ^ 0x8000)};
}
template <class T>
T absolute(T a) {
    return {(uint16_t)(a.bits & 0x7fff)};
}

// The two halves of a register each on their own.
template <auto function>
struct Packed;
template <class T, class... A, T (*function)(T, A...)>
struct Packed<function> {
    template <class>
    using Word = uint32_t;
    static uint32_t both(uint32_t a, Word<A>... rest) {
        const T low = function(T{(uint16_t)a}, A{(uint16_t)rest}...);
        const T high = function(T{(uint16_t)(a >> 16)}, A{(uint16_t)(rest >> 16)}...);
        return (uint32_t)high.bits << 16 | low.bits;
    }
};

template <auto function>
void add_both(Rows &rows, const std::string &name, const std::string &type, const std::string &optional = "") {
    rows.push_back(row<function>(name + "." + type, optional));
    rows.push_back(row<Packed<function>::both>(name + "." + type + "x2", optional));
}

template <class T>
void add_rows_of(Rows &rows, const std::string &type) {
    add_both<add<T>>(rows, "add", type, "rn");
    add_both<sub<T>>(rows, "sub", type, "rn");
    add_both<mul<T>>(rows, "mul", type, "rn");
    add_both<fma<T>>(rows, "fma.rn", type);
    add_both<minimum<T>>(rows, "min", type);
    add_both<maximum<T>>(rows, "max", type);
    add_both<negate<T>>(rows, "neg", type);
    add_both<absolute<T>>(rows, "abs", type);
}

}  // namespace

void add_half_rows(Rows &rows) {
    add_rows_of<Half>(rows, "f16");
    add_rows_of<Bfloat>(rows, "bf16");
}

}  // namespace ptx
