// SPDX-License-Identifier: MIT
// Texts of kernels for the tests, and bugs planted in them.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

inline std::string file_text(const std::string &path) {
    std::ifstream in(path);
    if (!in) {
        throw std::runtime_error("cannot read " + path);
    }
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// The text with every `from` replaced; there must be one.
inline std::string edited(std::string text, const std::string &from, const std::string &to) {
    size_t at = text.find(from);
    if (at == std::string::npos) {
        throw std::runtime_error("no '" + from + "' in the text");
    }
    for (; at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

// A kernel of one parameter: the address of a buffer, in %buffer and as it is in %rd0; the thread's index in %t and,
// times 4 and added to the buffer, in %own.
inline std::string kernel_of(const std::string &code) {
    return R"(.version 8.0
.target sm_90
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.visible .entry test(.param .u64 buffer) {
.reg .pred %p<8>; .reg .b16 %rs<8>; .reg .b32 %r<16>, %t; .reg .f32 %f<8>; .reg .b64 %rd<16>, %buffer, %own;
ld.param.u64 %rd0, [buffer]; cvta.to.global.u64 %buffer, %rd0; mov.u32 %t, %tid.x; mad.wide.u32 %own, %t, 4, %buffer;
)" + code + "\nret;\n}\n";
}
