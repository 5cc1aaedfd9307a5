// SPDX-License-Identifier: MIT
// Every instruction of the table against vectors that were not made by it.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>

#include "tests/support/catch.h"
#include "tools/ptx/program.h"
#include "tools/ptx/rounding.h"
#include "tools/ptx/text.h"
#include "vector_file.h"

namespace {

using namespace ptx;

const std::string data = NORMA_SOURCE_DIR "/tests/tools/ptx/data/";

std::vector<Vector> all_vectors() {
    std::vector<Vector> all = vectors_of(data + "vectors.txt");
    for (Vector &v : vectors_of(data + "conversions.txt")) {
        all.push_back(std::move(v));
    }
    return all;
}

// The bits of a value as a data file writes it.
uint64_t bits_of(Type type, const std::string &text) {
    const unsigned bytes = bytes_of(type);
    const bool hexadecimal = text.compare(0, 2, "0x") == 0;
    if (hexadecimal || (type != Type::f32 && type != Type::f64)) {
        const uint64_t all =
            text[0] == '-' ? (uint64_t)std::strtoll(text.c_str(), nullptr, 0) : std::strtoull(text.c_str(), nullptr, 0);
        return bytes == 0 || bytes == 8 ? all : all & ((uint64_t{1} << 8 * bytes) - 1);
    }
    if (type == Type::f32) {
        return text == "nan" ? 0x7fffffff : bits_as<uint32_t>(std::strtof(text.c_str(), nullptr));
    }
    return text == "nan" ? 0x7fffffffffffffff : bits_as<uint64_t>(std::strtod(text.c_str(), nullptr));
}

std::string number(uint64_t value) { return std::to_string(value); }

std::string register_of(Type type, size_t k) {
    const unsigned bytes = bytes_of(type);
    return (bytes == 0 ? "%p" : bytes <= 2 ? "%rs" : bytes == 4 ? "%r" : "%rd") + number(k);
}

// A kernel that loads the operands, executes the instruction and stores its result, 8 bytes each.
std::string kernel_for(const Row &row, const std::string &name) {
    std::string text = R"(.visible .entry test(.param .u64 in, .param .u64 out) {
.reg .pred %p<9>; .reg .b16 %rs<9>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .b64 %in, %out, %at; .reg .b32 %t, %bit;
ld.param.u64 %in, [in]; ld.param.u64 %out, [out]; mov.u32 %t, %tid.x; mad.wide.u32 %at, %t, 8, %out;
)";
    std::string operands;
    for (size_t k = 0; k < row.sources.size(); k++) {
        const Type type = row.sources[k];
        const std::string from = "[%in+" + number(8 * k) + "];\n", to = register_of(type, k + 1);
        const unsigned bytes = bytes_of(type);
        text += bytes == 0 ? "ld.global.b32 %bit, " + from + "setp.ne.b32 " + to + ", %bit, 0;\n"
                           : "ld.global.b" + number(bytes < 2 ? 16 : 8 * bytes) + " " + to + ", " + from;
        operands += ", " + to;
    }
    const std::string result = register_of(row.result, 0);
    text += name + " " + result + operands + ";\n";
    const unsigned bytes = bytes_of(row.result);
    text += bytes == 0 ? "selp.b32 %r0, 1, 0, " + result + ";\nst.global.b32 [%at], %r0;\n"
                       : "st.global.b" + number(bytes < 2 ? 16 : 8 * bytes) + " [%at], " + result + ";\n";
    return text + "}\n";
}

// The results of the first `threads` lanes.
std::vector<uint64_t> results_of(const Row &row, const Vector &v, unsigned threads) {
    Memory memory;
    auto *in = static_cast<uint64_t *>(memory.allocate(8 * 8));
    auto *out = static_cast<uint64_t *>(memory.allocate(32 * 8));
    for (size_t k = 0; k < v.operands.size(); k++) {
        const uint64_t above = bytes_of(row.sources[k]) == 1 ? 0xa500 : 0;  // a register's upper half does not count
        in[k] = bits_of(row.sources[k], v.operands[k]) | above;
    }
    const void *args[] = {&in, &out};
    run(parse(kernel_for(row, v.name)), "test", {}, {threads, 1, 1}, 0, args, memory);
    return {out, out + threads};
}

bool agrees(Type type, uint64_t result, uint64_t expected, const Vector &v) {
    if (type == Type::f64 && v.result == "nan") {
        return std::isnan(bits_as<double>(result));  // of no particular bits
    }
    const int64_t apart = (int64_t)result - (int64_t)expected;
    return std::abs(apart) <= (int64_t)v.ulps;
}

}  // namespace

TEST_CASE("instructions give what the PTX ISA says") {
    for (const Vector &v : all_vectors()) {
        INFO("line " << v.line << ": " << v.name);
        const Row *row = find_row(v.name);
        REQUIRE(row != nullptr);
        REQUIRE(row->sources.size() == v.operands.size());
        uint64_t expected = bits_of(row->result, v.result);
        if (bytes_of(row->result) == 1) {  // in a register of 16 bits
            expected = is_signed(row->result) ? (uint16_t)(int8_t)expected : expected;
        }
        for (unsigned threads : {32u, 5u}) {
            for (uint64_t result : results_of(*row, v, threads)) {
                INFO("expected " << v.result << ", found bits 0x" << std::hex << result);
                CHECK(agrees(row->result, result, expected, v));
            }
        }
    }
}

TEST_CASE("programs of accesses, warps and barriers do what the PTX ISA says") {
    for (const ProgramCase &c : programs_of(data + "programs.txt")) {
        INFO("line " << c.line << ":\n" << c.code);
        Memory memory;
        auto *buffer = static_cast<uint8_t *>(memory.allocate(256));
        for (int i = 0; i < 256; i++) {
            buffer[i] = (uint8_t)i;
        }
        const void *args[] = {&buffer};
        const Module module = parse(kernel_of(c.code));
        if (!c.fault.empty()) {
            CHECK_THROWS_WITH(run(module, "test", {}, {32, 1, 1}, 256, args, memory),
                              Catch::Matchers::Contains(c.fault));
            continue;
        }
        CHECK_NOTHROW(run(module, "test", {}, {32, 1, 1}, 256, args, memory));
        for (size_t w = 0; w < c.words.size(); w++) {
            uint32_t word;
            std::memcpy(&word, buffer + 4 * w, 4);
            INFO("word " << w << ", expected " << c.words[w] << ", found 0x" << std::hex << word);
            CHECK(word == (uint32_t)bits_of(Type::u32, c.words[w]));
        }
    }
}

TEST_CASE("every instruction of the table has a vector") {
    std::set<std::string> tested;
    for (const Vector &v : all_vectors()) {
        tested.insert(find_row(v.name) == nullptr ? "" : find_row(v.name)->name);
    }
    for (const ProgramCase &c : programs_of(data + "programs.txt")) {
        const Module module = parse(kernel_of(c.code));
        for (const Instruction &i : module.program("test").code) {
            if (i.row != nullptr && std::count(c.names.begin(), c.names.end(), i.row->name) != 0) {
                tested.insert(i.row->name);
            }
        }
    }
    for (const Row &row : table()) {
        INFO(row.name);
        CHECK(tested.count(row.name) == 1);
    }
}

TEST_CASE("no two rows of the table have one name") {
    std::set<std::string> names;
    for (const Row &row : table()) {
        INFO(row.name);
        CHECK(names.insert(row.name).second);
    }
}
