// SPDX-License-Identifier: MIT
#include "bench.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "bench/device/device.h"
#include "bench/device/device_memory.h"
#include "case.h"
#include "given_names.h"
#include "norma/norma.hpp"
#include "options.h"
#include "report.h"
#include "tools/base/now_utc.h"
#include "tools/base/output_file.h"
#include "tools/base/own_command_line.h"
#include "tools/base/progress.h"

namespace norma::bench {
namespace {

// Weight, bias and residual follow --dtype, and fit it.
const GivenNames given_names = {{"desc.x", "x of --dtype"},      {"desc.y", "y of --dtype"},
                                {"desc.scale", "--scale"},       {"desc.hidden", "hidden of --shapes"},
                                {"desc.contract", "--contract"}, {"desc.target", "--target"},
                                {"desc.device", "--device"}};

void run_bench(const Options &options) {
    const std::vector<Case> cases = parse_cases(options);
    const auto opened_file = [](const char *option, const std::string &path) {
        return path.empty() ? nullptr : open_output(option, path);
    };
    const std::unique_ptr<OutputFile> json_file = opened_file("--json", options.json == "-" ? "" : options.json);
    const std::unique_ptr<OutputFile> page_file = opened_file("--html", options.html);
    const bool table = options.json != "-";
    const Machine machine = this_machine();
    check(norma_set_num_threads(options.threads));
    Team team(options.threads);
    Progress progress(Progress::nothing);
    const DeviceMemory opened({cases.front().device, 0});  // so that what cases load stays for the next

    nlohmann::ordered_json json = {{"date", now_utc()},
                                   {"command", own_command_line()},
                                   {"machine", machine_json(machine)},
                                   {"results", nlohmann::ordered_json::array()}};
    std::string lines;
    std::string where =
        describe(machine, options.threads) + ", caches " + cache_words.name(static_cast<int32_t>(cases.front().cache));
    size_t unsteady = 0;
    for (size_t i = 0; i < cases.size(); i++) {
        const Case &c = cases[i];
        progress.show(
            fmt::format("[{}/{}] {} {} {}x{}", i + 1, cases.size(), op_text(c.op), dtype_text(c), c.rows, c.hidden));
        if (!options.grain_size.empty()) {
            const Tasks tasks = sample_tasks(c, options.grain_size, options.threads, {options.seconds, 7});
            json["results"].push_back(tasks_json(c, tasks, options.grain_size, options.threads));
            progress.clear();
            if (table) {
                fmt::print("{}", tasks_lines(json["results"].back()));
            }
            continue;
        }
        const Result result = measure_case(c, team, {options.seconds, 5});
        const DeviceKind &kind = device_kind(c.device);
        if (kind.json_name != nullptr && i == 0) {  // which the first case found
            where = json["machine"][kind.json_name] = kind.name(0);
        }
        json["results"].push_back(result_json(c, result, options.threads));
        progress.clear();
        unsteady += !result.steady();
        const std::string line = (i == 0 ? table_heading(where) : "") + table_line(c, result);
        lines += line;
        if (table) {
            fmt::print("{}", line);
            std::fflush(stdout);
        }
    }
    if (table && unsteady != 0) {
        fmt::print(
            "! {} of {} unsteady: timed twice, the kernel disagrees with itself, or its spread is 10 % or more\n",
            unsteady, cases.size());
    }
    if (options.json == "-") {
        fmt::print("{}\n", json.dump(2));
    }
    if (json_file) {
        json_file->write(json.dump(2) + "\n");
        json_file->finish();
    }
    if (page_file) {
        page_file->write(report_html(json, lines, !options.kernels.empty()));
        page_file->finish();
    }
}

}  // namespace

void add_bench(CLI::App &app) {
    auto options = std::make_shared<Options>();
    CLI::App *bench = app.add_subcommand("bench", "Time kernels against copies of the same bytes");
    bench->add_option("--op", options->ops, "layer_norm, rms_norm, layer_norm_backward, rms_norm_backward, or several")
        ->delimiter(',')
        ->capture_default_str();
    bench
        ->add_option("--dtype", options->dtype,
                     "type of x: f32, f16, bf16, i8 or i32; x:y where y (or dy) has another type, which may also be "
                     "u8, f8_e4m3 or "
                     "f8_e5m2")
        ->capture_default_str();
    bench->add_option("--scale", options->scale,
                      "of a quantized y: tensor, row, group_32, group_64 or group_128 [row; of u8, tensor]");
    bench->add_option("--shapes", options->shapes, "rows x hidden, as in 1x768,512x4096")
        ->delimiter(',')
        ->capture_default_str();
    bench->add_option("--threads", options->threads, "for kernels, copies and yardsticks alike")->capture_default_str();
    bench->add_option("--device", options->device, "cpu, or cuda: the first device")->capture_default_str();
    bench->add_flag(
        "--yardstick", options->yardstick,
        "also time a hand-written kernel, where there is one: of one type, or bf16 to i8 or f8_e4m3 by row");
    bench->add_flag("--residual", options->residual, "add a residual: two reads and two writes");
    auto *kernels =
        bench
            ->add_option("--kernel", options->kernels,
                         "instead of an op and types: kernels by name, with commas between, or all; each at "
                         "the shapes at which the library takes it")
            ->delimiter(',');
    auto *contract = bench->add_option("--contract", options->contract, "fp32_once, hf of rms_norm, or relaxed")
                         ->capture_default_str();
    bench
        ->add_option("--strides", options->row_stride,
                     "elements from one row of x, y and residual to the next, at least hidden [hidden]")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 31));
    bench->add_option("--cache", options->cache,
                      "before a timed call: warm (called until its time falls no more), cold, or after-copy (a "
                      "streaming copy of the same bytes) [warm; cold on cuda]");
    bench->add_flag("--save-stats", options->save_stats, "of a forward, also write mean and rstd");
    bench->add_flag("--recompute", options->recompute, "a backward without saved statistics");
    bench->add_flag("--accumulate", options->accumulate, "a backward that adds to the gradients of weight and bias");
    kernels->excludes(bench->get_option("--op"), bench->get_option("--dtype"), bench->get_option("--scale"), contract,
                      bench->get_option("--residual"), bench->get_option("--recompute"),
                      bench->get_option("--accumulate"), bench->get_option("--yardstick"));
    bench->add_option("--target", options->target, "force a target; see norma info");
    bench->add_option("--store", options->store, "auto, ordinary or streaming")->capture_default_str();
    bench
        ->add_option("--call", options->call,
                     "what is timed: bound (norma_call_run), plan (norma_plan_run) or run (norma_run)")
        ->capture_default_str();
    bench
        ->add_option("--grain-size", options->grain_size,
                     "instead, compare runs in which so many elements are worth a thread, as in 32768,8192")
        ->delimiter(',')
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
    bench->add_option("--seconds", options->seconds, "time spent on each shape")
        ->check(CLI::Number)  // an empty argument would be 0
        ->capture_default_str();
    bench->add_option("--json", options->json, "write JSON to this file; - for standard output instead of the table");
    bench->add_option("--html", options->html, "write a page with plots to this file");
    bench->callback([options] { with_given_names(given_names, [&] { run_bench(*options); }); });
}

}  // namespace norma::bench
