// SPDX-License-Identifier: MIT
#include "report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "options.h"

namespace norma::bench {
namespace {

std::string time_text(double ns) {
    return ns < 1e4   ? fmt::format("{:.0f} ns", ns)
           : ns < 1e7 ? fmt::format("{:.1f} us", ns / 1e3)
                      : fmt::format("{:.2f} ms", ns / 1e6);
}

constexpr const char *row_format = "{:<19} {:<9} {:>13} {:>10} {:>10} {:>7} {:>10} {:>10} {:>6} {:>10} {:>6}  {}\n";

}  // namespace

nlohmann::ordered_json machine_json(const Machine &machine) {
    return {
        {"cpu", machine.cpu},       {"cores", machine.cores},   {"l1d", machine.l1d}, {"l2", machine.l2},
        {"l3", machine.l3},         {"memory", machine.memory}, {"os", machine.os},   {"compiler", machine.compiler},
        {"norma", norma_version()}, {"copy_isa", machine.loops}};
}

nlohmann::ordered_json result_json(const Case &c, const Result &result, int threads) {
    nlohmann::ordered_json json = {{"op", op_text(c.op)},
                                   {"dtype", dtype_text(c)},
                                   {"rows", c.rows},
                                   {"hidden", c.hidden},
                                   {"kernel", result.kernel},
                                   {"target", result.target},
                                   {"threads", threads},
                                   {"call", call_words.name(static_cast<int32_t>(c.call))},
                                   {"cache", cache_words.name(static_cast<int32_t>(c.cache))},
                                   {"ns", result.kernel_time.ns},
                                   {"ns_spread", result.kernel_time.spread},
                                   {"control_ns", result.control.ns},
                                   {"steady", result.steady()},
                                   {"bytes", result.bytes},
                                   {"copy_ns", result.copy.ns},
                                   {"copy_ns_spread", result.copy.spread},
                                   {"ratio", result.ratio()}};
    if (result.stream_copy) {
        json["stream_copy_ns"] = result.stream_copy->ns;
    }
    if (result.empty) {
        json["empty_ns"] = result.empty->ns;
    }
    if (result.yardstick) {
        json["yardstick_ns"] = result.yardstick->ns;
        json["yardstick_ratio"] = result.yardstick_ratio();
    }
    return json;
}

nlohmann::ordered_json tasks_json(const Case &c, const Tasks &tasks, const std::vector<int64_t> &grain_size,
                                  int threads) {
    nlohmann::ordered_json json = {{"op", op_text(c.op)}, {"dtype", dtype_text(c)}, {"rows", c.rows},
                                   {"hidden", c.hidden},  {"kernel", tasks.kernel}, {"target", tasks.target},
                                   {"threads", threads},  {"bytes", bytes_moved(c)}};
    for (size_t i = 0; i < grain_size.size(); i++) {
        const Timing of = summarize(tasks.ns[i]);
        json["tasks"].push_back({{"grain_size", grain_size[i]},
                                 {"ns", of.ns},
                                 {"interval", {of.low, of.high}},
                                 {"rounds", tasks.ns[i].size()}});
    }
    return json;
}

std::string tasks_lines(const nlohmann::ordered_json &json) {
    std::string text;
    for (const auto &tasks : json.at("tasks")) {
        const double low = tasks.at("interval").at(0), high = tasks.at("interval").at(1);
        text += fmt::format("{:<19} {:<9} {:>13} {:>8} elements a thread: {:>9}, {} to {}\n",
                            json.at("op").get<std::string>(), json.at("dtype").get<std::string>(),
                            fmt::format("{}x{}", json.at("rows").get<int64_t>(), json.at("hidden").get<int64_t>()),
                            tasks.at("grain_size").get<int64_t>(), time_text(tasks.at("ns")), time_text(low),
                            time_text(high));
    }
    return text;
}

std::string table_heading(const std::string &where) {
    return where + "\n" +
           fmt::format(row_format, "op", "dtype", "shape", "time", "spread", "GB/s", "copy", "streaming", "ratio",
                       "yardstick", "ratio", "kernel");
}

std::string describe(const Machine &machine, int threads) {
    return fmt::format("{}, {} cores, caches {} K / {} K / {} K; {} thread{}", machine.cpu, machine.cores,
                       machine.l1d >> 10, machine.l2 >> 10, machine.l3 >> 10, threads, threads == 1 ? "" : "s");
}

std::string table_line(const Case &c, const Result &r) {
    const double gb_per_s = static_cast<double>(r.bytes) / r.kernel_time.ns;
    const auto time_or_dash = [](const std::optional<Timing> &time) { return time ? time_text(time->ns) : "-"; };
    return fmt::format(row_format, op_text(c.op), dtype_text(c), fmt::format("{}x{}", c.rows, c.hidden),
                       time_text(r.kernel_time.ns),
                       fmt::format("{:.1f} %{}", 100 * r.kernel_time.spread / r.kernel_time.ns, r.steady() ? " " : "!"),
                       fmt::format("{:.1f}", gb_per_s), time_text(r.copy.ns), time_or_dash(r.stream_copy),
                       fmt::format("{:.2f}", r.ratio()), time_or_dash(r.yardstick),
                       r.yardstick ? fmt::format("{:.2f}", r.yardstick_ratio()) : "-", r.target + " " + r.kernel);
}

}  // namespace norma::bench
