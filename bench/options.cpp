// SPDX-License-Identifier: MIT
#include "options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "runtime/vocabulary/word_lists.h"

namespace norma::bench {
namespace {

[[noreturn]] void refuse(const std::string &option, const std::string &text, const std::string &expected) {
    throw CLI::ValidationError(option, "\"" + text + "\"; expected " + expected);
}

// The value of a word out of those of an option.
template <typename Enum>
Enum look_up(const Words &words, const std::vector<std::string> &allowed, const std::string &option,
             const std::string &text) {
    if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
        std::string known;
        for (const std::string &word : allowed) {
            known += (known.empty() ? "" : ", ") + word;
        }
        refuse(option, text, "one of " + known);
    }
    return static_cast<Enum>(words.find(text.c_str())->value);
}

template <typename Enum>
Enum look_up(const Words &words, const std::string &option, const std::string &text) {
    return look_up<Enum>(words, names(words), option, text);
}

norma_op look_up_op(const std::string &text) {
    const OpInfo *info = find_op(text.c_str());
    return info != nullptr ? info->op : look_up<norma_op>(op_words, all_op_names(), "--op", text);
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
        static_cast<double>(bytes_moved(c)) > have) {
        refuse("--shapes", shape, "tensors that fit in this machine's memory");
    }
}

}  // namespace

std::vector<Case> parse_cases(const Options &options) {
    const size_t colon = options.dtype.find(':');
    Case c;
    c.x = look_up<norma_dtype>(dtype_words, words_of("x"), "--dtype", options.dtype.substr(0, colon));
    c.y = colon == std::string::npos
              ? c.x
              : look_up<norma_dtype>(dtype_words, words_of("y"), "--dtype", options.dtype.substr(colon + 1));
    const std::string scale = !options.scale.empty() ? options.scale : c.y == NORMA_U8 ? "tensor" : "row";
    const norma_scale of_quantized = look_up<norma_scale>(scale_words, words_of("scale"), "--scale", scale);
    c.scale = is_quantized(c.y) ? of_quantized : NORMA_SCALE_NONE;
    c.store = look_up<norma_store>(store_words, "--store", options.store);
    c.call = look_up<CalledBy>(call_words, "--call", options.call);
    c.residual = options.residual;
    c.recompute = options.recompute;
    c.yardstick = options.yardstick;
    c.target = options.target;
    c.device = look_up<norma_device_type>(device_words, "--device", options.device);
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
        c.op = look_up_op(op);
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

const char *op_text(norma_op op) { return is_backward(op) ? info_of(op).name : info_of(op).norm; }

std::string dtype_text(const Case &c) {
    return std::string(dtype_name(c.x)) + (c.y == c.x ? "" : std::string(":") + dtype_name(c.y));
}

}  // namespace norma::bench
