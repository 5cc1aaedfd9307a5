// SPDX-License-Identifier: MIT
#include "threads.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>

namespace norma::python {
namespace {

// libgomp's interface to compilers, which it keeps: a parallel region, and what bounds its threads.
using Parallel = void (*)(void (*body)(void *), void *data, unsigned threads, unsigned flags);
Parallel parallel = nullptr;
int (*max_threads)() = nullptr;

struct Loop {
    int64_t count;
    norma_task task;
    void *task_data;
    std::atomic<int64_t> next{0};

    static void take_tasks(void *data) {
        Loop &loop = *static_cast<Loop *>(data);
        for (int64_t i = loop.next++; i < loop.count; i = loop.next++) {
            loop.task(loop.task_data, i);
        }
    }
};

int run_on_openmp(void *, int64_t count, norma_task task, void *task_data) {
    Loop loop{count, task, task_data};
    const int64_t threads = std::min<int64_t>(count, std::max(max_threads(), 1));
    parallel(Loop::take_tasks, &loop, static_cast<unsigned>(threads), 0);
    return 0;
}

}  // namespace

bool share_openmp() {
    void *library = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (!library) {
        return false;
    }
    max_threads = reinterpret_cast<int (*)()>(dlsym(library, "omp_get_max_threads"));
    parallel = reinterpret_cast<Parallel>(dlsym(library, "GOMP_parallel"));
    return parallel && max_threads;
}

void use_threads(norma_execution &execution) {
    if (parallel && max_threads) {
        execution.parallel_for = run_on_openmp;
        execution.threads = execution.threads ? execution.threads : max_threads();
    }
}

}  // namespace norma::python
