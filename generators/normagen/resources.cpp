// SPDX-License-Identifier: MIT
#include "resources.h"

#include <fmt/format.h>

#include "generators/codegen/cuda_figures.h"
#include "library.h"
#include "schedules/strategies/cuda/cuda_rows_knobs.h"
#include "tools/base/files.h"

namespace norma {

namespace {

CodeFigures code_figures(const std::string &ptx, int sm, const std::string &scratch) {
    const std::string listing = cuda_sass(ptx, sm, scratch);
    return listing.empty() ? ptx_figures(ptx) : sass_figures(listing);
}

// Where the hidden size is known at run time alone, a thread's elements are too.
std::string per_element(int instructions, const KernelSpec &spec) {
    const CudaShape shape = cuda_shape(cuda_rows_knobs(spec.knobs), spec.variant);
    return shape.in_registers() ? fmt::format("{:.1f}", (double)instructions / (shape.vector * shape.chunks)) : "-";
}

}  // namespace

void print_resources(const Manifest &manifest, const std::vector<TargetFile> &targets, const RecordedKnobs &records,
                     const std::filesystem::path &cache_directory, const JobLimits &limits, int sm) {
    std::vector<Manifest::Entry> on_cuda;
    for (const Variant &variant : variants_for(manifest.kernels, NORMA_CUDA)) {
        on_cuda.push_back({variant, NORMA_CUDA, ""});
    }
    std::vector<KernelSpec> specs;
    std::vector<Job> jobs;
    for (const TargetKernel &kernel : target_kernels(on_cuda, targets, records)) {
        specs.push_back(kernel.spec);
        jobs.push_back(kernel_job(kernel.spec));
    }
    make_directory(cache_directory);
    const Cache cache(cache_directory);
    const std::vector<JobResult> results = run_jobs(jobs, cache, limits);
    const char *const row = "{:<70} {:>3} {:>7} {:>4} {:>6} {:>9} {:>8} {:>8} {:>10} {:>6} {:>6} {:>11}\n";
    fmt::print(row, "kernel", "sm", "threads", "regs", "shared", "occupancy", "barriers", "shuffles", "16 B loads",
               "stores", cuda_disassembler().empty() ? "PTX" : "SASS", "per element");
    for (size_t i = 0; i < specs.size(); i++) {
        const CompiledKernel &compiled = results[i].compiled;
        const std::filesystem::path ptx = cache.ptx(results[i].hash);
        for (const CudaResources &on : compiled.resources) {
            if (sm != 0 && on.sm != sm) {
                continue;
            }
            const CodeFigures figures =
                code_figures(read_file(ptx), on.sm, std::filesystem::temp_directory_path() / "norma-resources");
            fmt::print(row, name(specs[i].variant), on.sm, compiled.threads, on.registers, compiled.shared_bytes,
                       fmt::format("{:.0f}%", 100 * occupancy(on, compiled.threads, compiled.shared_bytes)),
                       figures.barriers, figures.shuffles, figures.wide_loads, figures.wide_stores,
                       figures.instructions, per_element(figures.instructions, specs[i]));
        }
    }
}

}  // namespace norma
