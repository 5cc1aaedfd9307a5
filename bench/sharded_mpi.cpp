// SPDX-License-Identifier: MIT
// mpirun -n N sharded_mpi [ROWS HIDDEN [BLOCK [ROUNDS]]]: RMSNorm in f32, sharded over the ranks, each on one thread,
// in one block and in blocks of BLOCK rows, beside the same norm unsharded on one thread and one exchange of all rows
// alone. Rounds are interleaved, ratios are medians over them.
#include <norma_mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <norma/sharded.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Shape {
    int64_t rows, hidden, block;
    int rounds;
};

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

// Of the rank that takes longest.
double seconds_of(const std::function<void()> &run) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    run();
    double own = MPI_Wtime() - start, longest = 0;
    MPI_Allreduce(&own, &longest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return longest;
}

class Norm {
public:
    Norm(int64_t rows, int64_t hidden)
        : x_(static_cast<size_t>(rows * hidden)), y_(x_.size()), weight_(static_cast<size_t>(hidden), 1) {
        for (size_t i = 0; i < x_.size(); i++) {
            x_[i] = static_cast<float>(i * 2654435761U % 1009) / 500 - 1;
        }
        arguments = norma::arguments(1e-5F);
        arguments.x = norma::tensor(x_.data(), {rows, hidden});
        arguments.y = norma::tensor(y_.data(), {rows, hidden});
        arguments.weight = norma::tensor(weight_.data(), {hidden});
    }

    norma_arguments arguments;

private:
    std::vector<float> x_, y_, weight_;
};

class Sharded {
public:
    Sharded(const Shape &shape, int rank, int ranks, norma_exchange_kind kind, int64_t block)
        : norm_(shape.rows, shape.hidden / ranks), plan_(describe(shape, rank, ranks, kind, block)) {}

    void run(norma_mpi &mpi) { plan_.run(norm_.arguments, norma::execution(1), workspace_, norma_mpi_exchange, &mpi); }

private:
    static norma_sharded_desc describe(const Shape &shape, int rank, int ranks, norma_exchange_kind kind,
                                       int64_t block) {
        const norma_plan_desc norm =
            norma::describe(NORMA_RMS_NORM_FORWARD, shape.hidden / ranks, NORMA_F32, NORMA_F32);
        norma_sharded_desc desc = norma::describe_sharded(norm, rank, ranks);
        desc.kind = kind;
        desc.block = block;
        return desc;
    }

    Norm norm_;
    norma::ShardedPlan plan_;
    norma::Workspace workspace_;
};

void measure(const Shape &shape) {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    norma_mpi mpi = {MPI_COMM_WORLD, 0};
    Norm whole(shape.rows, shape.hidden);
    const norma::Plan plan(norma::describe(NORMA_RMS_NORM_FORWARD, shape.hidden, NORMA_F32, NORMA_F32));
    for (const norma_exchange_kind kind : {NORMA_ALL_GATHER, NORMA_ALL_REDUCE}) {
        const int64_t blocks[] = {shape.rows, shape.block};
        Sharded sharded[] = {{shape, rank, ranks, kind, blocks[0]}, {shape, rank, ranks, kind, blocks[1]}};
        const int64_t chunks = kind == NORMA_ALL_GATHER ? (shape.hidden / ranks + 1023) / 1024 : 1;
        std::vector<double> send(static_cast<size_t>(2 + shape.rows * chunks)),
            receive(send.size() * static_cast<size_t>(ranks));
        const norma_exchange_request request = {
            kind, NORMA_F64, static_cast<int64_t>(send.size()), send.data(), receive.data(), rank, ranks, nullptr};
        std::vector<double> of_whole, of_exchange, times[2], ratios[2];
        for (int round = 0; round < shape.rounds + 3; round++) {
            const double exchange = seconds_of([&] { norma_mpi_exchange(&mpi, &request); });
            for (int i = 0; i < 2; i++) {
                // Before each, so that both find the caches as that leaves them.
                const double alone = seconds_of([&] {
                    if (rank == 0) {
                        plan.run(whole.arguments, norma::execution(1));
                    }
                });
                const double together = seconds_of([&] { sharded[i].run(mpi); });
                if (round >= 3) {  // the first find unmapped pages
                    of_whole.push_back(alone);
                    of_exchange.push_back(exchange);
                    times[i].push_back(together);
                    ratios[i].push_back(together / (alone / ranks + exchange));
                }
            }
        }
        if (rank == 0) {
            std::printf("%s: unsharded %.0f us, exchange %.1f us\n",
                        kind == NORMA_ALL_GATHER ? "all-gather" : "all-reduce", 1e6 * median(of_whole),
                        1e6 * median(of_exchange));
            for (int i = 0; i < 2; i++) {
                std::printf("  in blocks of %lld rows: %.0f us, %.2f of unsharded / %d + exchange\n",
                            static_cast<long long>(blocks[i]), 1e6 * median(times[i]), median(ratios[i]), ranks);
            }
        }
    }
}

}  // namespace

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    try {
        int64_t numbers[] = {512, 8192, 64, 41};
        for (int i = 1; i < argc; i++) {
            char *end = nullptr;
            const long long number = std::strtoll(argv[i], &end, 10);
            if (i > 4 || *end != '\0' || number < 1) {
                throw std::invalid_argument(std::string(argv[i]) +
                                            "; expected ROWS HIDDEN BLOCK ROUNDS, each 1 or more");
            }
            numbers[i - 1] = number;
        }
        measure({numbers[0], numbers[1], numbers[2], static_cast<int>(numbers[3])});
    } catch (const std::exception &error) {
        std::fprintf(stderr, "sharded_mpi: %s\n", error.what());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Finalize();
    return 0;
}
