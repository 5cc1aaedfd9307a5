// SPDX-License-Identifier: MIT
#include "resources.h"

#include <fmt/format.h>

#include "files.h"
#include "library.h"

namespace norma {

void print_resources(const Manifest &manifest, const std::vector<TargetFile> &targets, const RecordedKnobs &records,
                     const std::filesystem::path &cache_directory, const JobLimits &limits) {
    const std::vector<KernelSpec> specs = kernel_specs({}, manifest.cuda_variants, targets, records);
    std::vector<Job> jobs;
    for (const KernelSpec &spec : specs) {
        jobs.push_back(kernel_job(spec));
    }
    make_directory(cache_directory);
    const Cache cache(cache_directory);
    const std::vector<CompiledKernel> compiled = run_jobs(jobs, cache, limits);
    const char *const row = "{:<64} {:>5} {:>7} {:>4} {:>6} {:>8} {:>8} {:>10} {:>8} {:>12}\n";
    fmt::print(row, "kernel", "sm", "threads", "regs", "spills", "barriers", "shuffles", "16 B loads", "stores",
               "instructions");
    for (size_t i = 0; i < specs.size(); i++) {
        const PtxFigures figures = ptx_figures(read_file(cache.ptx(jobs[i].hash)));
        for (const CudaResources &on : compiled[i].resources) {
            fmt::print(row, name(specs[i].variant), on.sm, compiled[i].threads, on.registers, on.spill_bytes,
                       on.barriers, figures.shuffles, figures.wide_loads, figures.wide_stores, figures.instructions);
        }
    }
}

}  // namespace norma
