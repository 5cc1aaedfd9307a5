// SPDX-License-Identifier: MIT
#include "options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "memory.h"

namespace norma::bench {
namespace {

constexpr std::pair<const char *, Op> ops[] = {{"layer_norm", Op::layer_norm},
                                               {"rms_norm", Op::rms_norm},
                                               {"layer_norm_forward", Op::layer_norm},
                                               {"rms_norm_forward", Op::rms_norm},
                                               {"layer_norm_backward", Op::layer_norm_backward},
                                               {"rms_norm_backward", Op::rms_norm_backward}};
constexpr std::pair<const char *, norma_dtype> dtypes[] = {{"f32", NORMA_F32},         {"f16", NORMA_F16},
                                                           {"bf16", NORMA_BF16},       {"i8", NORMA_I8},
                                                           {"f8_e4m3", NORMA_F8_E4M3}, {"f8_e5m2", NORMA_F8_E5M2}};
constexpr std::pair<const char *, norma_scale> scales[] = {{"tensor", NORMA_SCALE_TENSOR},
                                                           {"row", NORMA_SCALE_ROW},
                                                           {"group:32", NORMA_SCALE_GROUP_32},
                                                           {"group:64", NORMA_SCALE_GROUP_64},
                                                           {"group:128", NORMA_SCALE_GROUP_128}};
constexpr std::pair<const char *, norma_store> stores[] = {
    {"auto", NORMA_STORE_AUTO}, {"ordinary", NORMA_STORE_ORDINARY}, {"streaming", NORMA_STORE_STREAMING}};
constexpr std::pair<const char *, norma_device_type> devices[] = {{"cpu", NORMA_CPU}, {"cuda", NORMA_CUDA}};

[[noreturn]] void refuse(const std::string &option, const std::string &text, const std::string &expected) {
    throw CLI::ValidationError(option, "\"" + text + "\"; expected " + expected);
}

template <typename Table>
auto look_up(const Table &table, const std::string &option, const std::string &text) {
    std::string known;
    for (const auto &[word, value] : table) {
        if (text == word) {
            return value;
        }
        known += (known.empty() ? "" : ", ") + std::string(word);
    }
    refuse(option, text, "one of " + known);
}

// A positive number at the start of `text`, which then begins behind it; 0 if there is none or it is above `most`.
int64_t take_number(std::string &text, int64_t most) {
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9' && number <= most; digits++) {
        number = 10 * number + (text[digits] - '0');
    }
    text.erase(0, digits);
    return number <= most ? number : 0;
}

std::pair<int64_t, int64_t> parse_shape(const std::string &text) {
    constexpr int64_t most_rows = int64_t{1} << 40, most_hidden = int64_t{1} << 30;
    std::string rest = text;
    const int64_t rows = take_number(rest, most_rows);
    const bool cross = !rest.empty() && rest[0] == 'x';
    rest.erase(0, 1);
    const int64_t hidden = take_number(rest, most_hidden);
    if (rows < 1 || !cross || hidden < 1 || !rest.empty()) {
        refuse("--shapes", text, "rows x hidden, as in 512x768, hidden at most 2^30");
    }
    return {rows, hidden};
}

// Memory that is promised but not there would end the process.
void check_memory(const Case &c, const std::string &shape) {
    const double have = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    if (static_cast<double>(c.rows) * static_cast<double>(c.hidden) > have ||
        static_cast<double>(bytes_allocated(c)) > have) {
        refuse("--shapes", shape, "tensors that fit in this machine's memory");
    }
}

}  // namespace

std::vector<Case> parse_cases(const Options &options) {
    const size_t colon = options.dtype.find(':');
    Case c;
    c.x = look_up(dtypes, "--dtype", options.dtype.substr(0, colon));
    c.y = colon == std::string::npos ? c.x : look_up(dtypes, "--dtype", options.dtype.substr(colon + 1));
    const norma_scale scale = look_up(scales, "--scale", options.scale);
    c.scale = element_size(c.y) == 1 ? scale : NORMA_SCALE_NONE;
    c.store = look_up(stores, "--store", options.store);
    c.residual = options.residual;
    c.recompute = options.recompute;
    c.yardstick = options.yardstick;
    c.target = options.target;
    c.device = look_up(devices, "--device", options.device);
    if (c.device == NORMA_CUDA && options.yardstick) {
        refuse("--yardstick", "with --device cuda", "--device cpu");
    }
    if (c.device == NORMA_CUDA && !options.grain_size.empty()) {
        refuse("--grain-size", "with --device cuda", "--device cpu");
    }
    if (options.threads < 1 || options.threads > 256) {
        refuse("--threads", std::to_string(options.threads), "1 to 256");
    }
    if (!(options.seconds >= 0 && options.seconds <= 3600)) {
        refuse("--seconds", std::to_string(options.seconds), "0 to 3600");
    }
    std::vector<Case> cases;
    for (const std::string &op : options.ops) {
        c.op = look_up(ops, "--op", op);
        if (is_backward(c.op) && options.residual) {
            refuse("--residual", "with --op " + op, "a forward op");
        }
        if (!is_backward(c.op) && options.recompute) {
            refuse("--recompute", "with --op " + op, "a backward op");
        }
        for (const std::string &shape : options.shapes) {
            std::tie(c.rows, c.hidden) = parse_shape(shape);
            check_memory(c, shape);
            cases.push_back(c);
        }
    }
    return cases;
}

const char *to_string(Op op) {
    return std::find_if(std::begin(ops), std::end(ops), [&](const auto &entry) { return entry.second == op; })->first;
}

std::string dtype_text(const Case &c) {
    auto word = [](norma_dtype dtype) {
        auto entry = std::find_if(std::begin(dtypes), std::end(dtypes), [&](auto &e) { return e.second == dtype; });
        return std::string(entry->first);
    };
    return c.y == c.x ? word(c.x) : word(c.x) + ":" + word(c.y);
}

}  // namespace norma::bench
