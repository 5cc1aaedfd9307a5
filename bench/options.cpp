// SPDX-License-Identifier: MIT
#include "options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "infos.h"
#include "norma/norma.hpp"
#include "runtime/vocabulary/variant_name.h"
#include "runtime/vocabulary/word_lists.h"
#include "tools/base/text.h"

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

// Those of --kernel, of the library's.
std::vector<std::string> names_of_kernels(const Options &options) {
    std::vector<std::string> known;
    for (const norma_kernel_info &info : kernels()) {
        if (std::find(known.begin(), known.end(), info.name) == known.end()) {
            known.emplace_back(info.name);
        }
    }
    if (options.kernels == std::vector<std::string>{"all"}) {
        return known;
    }
    for (const std::string &name : options.kernels) {
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            refuse("--kernel", name, "all, or names that norma list prints");
        }
    }
    return options.kernels;
}

void check_case(const Case &c, const std::string &shape) {
    if (c.row_stride != 0 && c.row_stride < c.hidden) {
        refuse("--strides", std::to_string(c.row_stride) + " with --shapes " + shape, "at least hidden, of each shape");
    }
    check_memory(c, shape);
}

std::vector<Case> cases_of_ops(Case c, const Options &options) {
    std::vector<Case> cases;
    for (const std::string &op : options.ops) {
        c.op = look_up_op(op);
        const bool backward = is_backward(c.op);
        for (const auto &[wanted, fits, name] : {std::tuple(options.residual, !backward, "--residual"),
                                                 {options.save_stats, !backward, "--save-stats"},
                                                 {options.recompute, backward, "--recompute"},
                                                 {options.accumulate, backward, "--accumulate"}}) {
            if (wanted && !fits) {
                refuse(name, "with --op " + op, backward ? "a forward op" : "a backward op");
            }
        }
        for (const std::string &shape : options.shapes) {
            std::tie(c.rows, c.hidden) = parse_shape(shape);
            check_case(c, shape);
            cases.push_back(c);
        }
    }
    return cases;
}

// Each kernel at those shapes at which the dispatcher takes it; one for a single hidden size at the rows of all.
std::vector<Case> cases_of_kernels(Case c, const Options &options) {
    std::vector<Case> cases;
    for (const std::string &name : names_of_kernels(options)) {
        c.kernel = parse_name(name);
        c.op = c.kernel->op;
        c.x = c.kernel->x;
        c.y = c.kernel->y;
        c.scale = c.kernel->scale;
        c.residual = c.kernel->residual != NORMA_NONE;
        std::set<std::pair<int64_t, int64_t>> shapes;
        for (const std::string &shape : options.shapes) {
            const auto [rows, hidden] = parse_shape(shape);
            const int64_t exact = c.kernel->hidden.exact;
            shapes.emplace(rows, exact != 0 ? exact : hidden);
        }
        for (const auto &[rows, hidden] : shapes) {
            std::tie(c.rows, c.hidden) = std::pair(rows, hidden);
            const norma_plan_desc desc = describe(c);
            norma_plan *plan = nullptr;
            if (norma_plan_create(&desc, &plan) == NORMA_OK && name == norma_plan_kernel(plan)) {
                check_case(c, std::to_string(rows) + "x" + std::to_string(hidden));
                cases.push_back(c);
            }
            norma_plan_destroy(plan);
        }
    }
    if (cases.empty()) {
        refuse("--kernel", comma_separated(options.kernels), "one that the library takes at one of the shapes");
    }
    return cases;
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
    c.contract = look_up<norma_contract>(contract_words, "--contract", options.contract);
    c.residual = options.residual;
    c.save_stats = options.save_stats;
    c.row_stride = options.row_stride;
    c.recompute = options.recompute;
    c.accumulate = options.accumulate;
    c.yardstick = options.yardstick;
    c.target = options.target;
    c.device = look_up<norma_device_type>(device_words, "--device", options.device);
    if (c.device == NORMA_CUDA && options.yardstick) {
        refuse("--yardstick", "with --device cuda", "--device cpu");
    }
    if (c.device == NORMA_CUDA && !options.grain_size.empty()) {
        refuse("--grain-size", "with --device cuda", "--device cpu");
    }
    if (!options.html.empty() && !options.grain_size.empty()) {
        refuse("--html", options.html + " with --grain-size", "runs that are compared with a copy");
    }
    if (options.threads < 1 || options.threads > 256) {
        refuse("--threads", std::to_string(options.threads), "1 to 256");
    }
    if (!(options.seconds >= 0 && options.seconds <= 3600)) {
        refuse("--seconds", std::to_string(options.seconds), "0 to 3600");
    }
    c.cache = c.device == NORMA_CUDA ? CacheState::cold : CacheState::warm;
    if (!options.cache.empty()) {
        c.cache = look_up<CacheState>(cache_words, "--cache", options.cache);
    }
    if (c.device == NORMA_CUDA && c.cache != CacheState::cold) {
        refuse("--cache", options.cache + " with --device cuda", "cold, as caches always are there");
    }
    return options.kernels.empty() ? cases_of_ops(c, options) : cases_of_kernels(c, options);
}

const char *op_text(norma_op op) { return is_backward(op) ? info_of(op).name : info_of(op).norm; }

std::string dtype_text(const Case &c) {
    return std::string(dtype_name(c.x)) + (c.y == c.x ? "" : std::string(":") + dtype_name(c.y));
}

}  // namespace norma::bench
