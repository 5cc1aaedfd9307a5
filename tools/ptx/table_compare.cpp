// SPDX-License-Identifier: MIT
// setp, set and selp. A comparison of a NaN is false, except ne's unordered form and its like (equ, neu, ltu, ...).
#include <cmath>

#include "rounding.h"
#include "table.h"

namespace ptx {

namespace {

enum class Is { eq, ne, lt, le, gt, ge };

template <Is is, class T>
bool holds(T a, T b) {
    return is == Is::eq   ? a == b
           : is == Is::ne ? a != b
           : is == Is::lt ? a < b
           : is == Is::le ? a <= b
           : is == Is::gt ? a > b
                          : a >= b;
}
template <class T>
auto number(T a) {
    if constexpr (std::is_same_v<T, Half>) {
        return decoded(f16, a.bits);
    } else if constexpr (std::is_same_v<T, Bfloat>) {
        return decoded(bf16, a.bits);
    } else {
        return a;
    }
}
template <class T>
bool unordered(T a, T b) {
    return std::isnan(number(a)) || std::isnan(number(b));
}
template <class T>
bool ordered(T a, T b) {
    return !unordered(a, b);
}
template <Is is, class T>
bool compare(T a, T b) {
    return holds<is>(a, b);
}
template <Is is, class T>
bool compare_ordered(T a, T b) {
    return ordered(a, b) && holds<is>(number(a), number(b));
}
template <Is is, class T>
bool compare_unordered(T a, T b) {
    return unordered(a, b) || holds<is>(number(a), number(b));
}

template <auto function>
struct Into;
template <class T, bool (*function)(T, T)>
struct Into<function> {
    static uint32_t word(T a, T b) { return function(a, b) ? ~0u : 0u; }
    static float one(T a, T b) { return function(a, b) ? 1.0f : 0.0f; }
    static bool flushed(T a, T b) { return function(flush(a), flush(b)); }
    static T flush(T a) {
        if constexpr (std::is_same_v<T, float>) {
            return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a;
        } else {
            return a;
        }
    }
};

template <auto function>
void add_setp(Rows &rows, const std::string &is, const std::string &type) {
    rows.push_back(row<function>("setp." + is + "." + type));
    if (type == "f32") {
        rows.push_back(row<Into<function>::flushed>("setp." + is + ".ftz." + type));
    }
    if (type == "f32" || type == "s32" || type == "u32") {
        rows.push_back(row<Into<function>::word>("set." + is + ".u32." + type));
        rows.push_back(row<Into<function>::word>("set." + is + ".s32." + type));
        rows.push_back(row<Into<function>::one>("set." + is + ".f32." + type));
    }
}

template <class T>
void add_equal(Rows &rows, const std::string &type) {
    add_setp<compare<Is::eq, T>>(rows, "eq", type);
    add_setp<compare<Is::ne, T>>(rows, "ne", type);
}
template <class T>
void add_integers(Rows &rows, const std::string &type) {
    add_equal<T>(rows, type);
    add_setp<compare<Is::lt, T>>(rows, "lt", type);
    add_setp<compare<Is::le, T>>(rows, "le", type);
    add_setp<compare<Is::gt, T>>(rows, "gt", type);
    add_setp<compare<Is::ge, T>>(rows, "ge", type);
    if (type[0] == 'u') {
        add_setp<compare<Is::lt, T>>(rows, "lo", type);
        add_setp<compare<Is::le, T>>(rows, "ls", type);
        add_setp<compare<Is::gt, T>>(rows, "hi", type);
        add_setp<compare<Is::ge, T>>(rows, "hs", type);
    }
}
template <class T>
void add_floats(Rows &rows, const std::string &type) {
    add_setp<compare_ordered<Is::eq, T>>(rows, "eq", type);
    add_setp<compare_ordered<Is::ne, T>>(rows, "ne", type);
    add_setp<compare_ordered<Is::lt, T>>(rows, "lt", type);
    add_setp<compare_ordered<Is::le, T>>(rows, "le", type);
    add_setp<compare_ordered<Is::gt, T>>(rows, "gt", type);
    add_setp<compare_ordered<Is::ge, T>>(rows, "ge", type);
    add_setp<compare_unordered<Is::eq, T>>(rows, "equ", type);
    add_setp<compare_unordered<Is::ne, T>>(rows, "neu", type);
    add_setp<compare_unordered<Is::lt, T>>(rows, "ltu", type);
    add_setp<compare_unordered<Is::le, T>>(rows, "leu", type);
    add_setp<compare_unordered<Is::gt, T>>(rows, "gtu", type);
    add_setp<compare_unordered<Is::ge, T>>(rows, "geu", type);
    add_setp<ordered<T>>(rows, "num", type);
    add_setp<unordered<T>>(rows, "nan", type);
}

template <class T>
T select(T a, T b, bool first) {
    return first ? a : b;
}
template <class T>
void add_selects(Rows &rows, std::initializer_list<const char *> types) {
    for (const char *type : types) {
        rows.push_back(row<select<T>>(std::string("selp.") + type));
    }
}

}  // namespace

void add_compare_rows(Rows &rows) {
    add_equal<uint16_t>(rows, "b16");
    add_equal<uint32_t>(rows, "b32");
    add_equal<uint64_t>(rows, "b64");
    add_integers<uint16_t>(rows, "u16");
    add_integers<int16_t>(rows, "s16");
    add_integers<uint32_t>(rows, "u32");
    add_integers<int32_t>(rows, "s32");
    add_integers<uint64_t>(rows, "u64");
    add_integers<int64_t>(rows, "s64");
    add_floats<float>(rows, "f32");
    add_floats<double>(rows, "f64");
    add_floats<Half>(rows, "f16");
    add_floats<Bfloat>(rows, "bf16");
    add_selects<uint16_t>(rows, {"b16", "u16", "s16"});
    add_selects<uint32_t>(rows, {"b32", "u32", "s32", "f32"});
    add_selects<uint64_t>(rows, {"b64", "u64", "s64", "f64"});
}

}  // namespace ptx
