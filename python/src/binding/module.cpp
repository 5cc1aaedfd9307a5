// SPDX-License-Identifier: MIT
// norma._norma: Norma's C interface for Python.
#include <nanobind/nanobind.h>

#include "errors.h"
#include "norma/norma.h"
#include "norms.h"
#include "plan.h"
#include "shard.h"
#include "threads.h"
#include "torch_ops.h"
#include "xla.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

constexpr int32_t cached_plans = 512;  // a program has a few for each of its models

// A list with what `entries` puts into a dict for each of `count`.
template <class Info, class Entries>
nb::list all(int32_t count, norma_status (*get)(int32_t, Info *), const Entries &entries) {
    nb::list list;
    for (int32_t i = 0; i < count; i++) {
        Info info = {};
        info.size = sizeof info;
        norma::python::check(get(i, &info));
        nb::dict dict;
        entries(dict, info);
        list.append(dict);
    }
    return list;
}

nb::list kernels() {
    return all(norma_kernel_count(), norma_get_kernel_info, [](nb::dict &kernel, const norma_kernel_info &info) {
        kernel["name"] = info.name;
        kernel["target"] = info.target;
        kernel["strategy"] = info.strategy;
        kernel["knobs"] = info.knobs;
        kernel["origin"] = info.origin;
        kernel["runnable"] = info.runnable != 0;
    });
}

nb::list targets() {
    return all(norma_target_count(), norma_get_target_info, [](nb::dict &target, const norma_target_info &info) {
        target["name"] = info.name;
        target["runnable"] = info.runnable != 0;
        target["chosen"] = info.chosen != 0;
    });
}

}  // namespace

NB_MODULE(_norma, module) {
    norma::python::define_errors(module);
    norma::python::define_shard(module);
    norma::python::define_norms(module);
    norma::python::define_plans(module);
    norma::python::define_torch_ops(module);
    norma::python::define_xla(module);
    module.attr("__version__") = norma_version();
    module.def("kernels", kernels, "The kernels of this build, each with name, target and knobs.",
               nb::sig("def kernels() -> list[dict[str, Any]]"));
    module.def("targets", targets, "The targets of this build: whether this machine runs each, and which one it takes.",
               nb::sig("def targets() -> list[dict[str, Any]]"));
    module.def("get_num_threads", norma_get_num_threads, "Threads of Norma's pool, the calling one included.");
    module.def(
        "set_num_threads", [](int threads) { norma::python::check(norma_set_num_threads(threads)); }, "threads"_a,
        "Sets the number of threads; 0: as many as the process may use. Not while anything of Norma runs.");
    module.def(
        "set_calibration", [](const char *path) { norma::python::check(norma_set_calibration(path)); }, "path"_a.none(),
        "Takes what `norma calibrate` measured on this machine from its file; None takes it back.");
    module.def("share_openmp", norma::python::share_openmp,
               "Lets runs use the threads of the process's libgomp, as PyTorch does. False where there is none.");
    norma::python::check(norma_plan_cache_set_capacity(cached_plans));
}
