// SPDX-License-Identifier: MIT
// Norma on the application's own threads: a pool behind norma_execution.parallel_for. The bits are those of one thread.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <norma/norma.hpp>
#include <vector>

#include "pool.h"

namespace {

std::atomic<int64_t> tasks{0};

// Nothing may be thrown across C: a parallel_for that fails returns a number other than 0.
int on_pool(void *pool, int64_t count, norma_task task, void *task_data) {
    try {
        static_cast<Pool *>(pool)->run(count, [&](int64_t index) { task(task_data, index); });
        tasks += count;
        return 0;
    } catch (...) {
        return 1;
    }
}

}  // namespace

int main() {
    const int64_t rows = 1000, hidden = 768;
    std::vector<float> x(rows * hidden), weight(hidden, 0.5f), alone(x.size()), shared(x.size());
    for (size_t i = 0; i < x.size(); i++) {
        x[i] = static_cast<float>(i * i % 1009) / 1009;
    }
    const norma::Plan plan(norma::describe(NORMA_RMS_NORM_FORWARD, hidden, NORMA_F32, NORMA_F32));
    norma_arguments arguments = norma::arguments(1e-6f);
    arguments.x = norma::tensor(x.data(), {rows, hidden});
    arguments.weight = norma::tensor(weight.data(), {hidden});

    arguments.y = norma::tensor(alone.data(), {rows, hidden});
    plan.run(arguments, norma::execution(/*threads=*/1));

    Pool pool(3);
    norma_execution execution = norma::execution(/*threads=*/3);
    execution.parallel_for = on_pool;
    execution.parallel_for_context = &pool;
    arguments.y = norma::tensor(shared.data(), {rows, hidden});
    plan.run(arguments, execution);

    const bool same = std::memcmp(alone.data(), shared.data(), alone.size() * sizeof(float)) == 0;
    std::printf("%lld tasks on the pool's threads, %s bits\n", static_cast<long long>(tasks),
                same ? "the same" : "other");
    return same && tasks > 1 ? 0 : 1;
}
