// SPDX-License-Identifier: MIT
// norma_plan_run allocates nothing: this program's malloc counts.
#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "tests/support/call.h"
#include "tests/support/catch.h"

namespace {

std::atomic<int64_t> allocations{0};

using namespace norma::test;

}  // namespace

extern "C" {

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    allocations++;
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}
}

TEST_CASE("a run allocates nothing", "[allocation]") {
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        CallSpec spec;
        spec.kernel = kernel;
        spec.hidden = 1024;
        spec.outer = {200};  // enough for several tasks
        spec.threads = 2;
        if (!can_run(kernel, spec.hidden)) {
            continue;
        }
        Call call(spec);
        call.run();  // makes the pool's threads, the first time
        norma_plan *plan = nullptr;
        require_ok(norma_plan_create(&call.desc, &plan), "norma_plan_create");
        const int64_t before = allocations;
        const norma_status status = norma_plan_run(plan, &call.arguments, &call.execution);
        const int64_t after = allocations;
        norma_plan_destroy(plan);
        INFO(label(kernel));
        CHECK(before > 0);
        CHECK(status == NORMA_OK);
        CHECK(after - before == 0);
    }
}
