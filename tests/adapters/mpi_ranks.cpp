// SPDX-License-Identifier: MIT
// mpi_ranks CASE: a rank of check_mpi. `sum` prints the bits of y, dx and dweight of all columns, which must not depend
// on the number of ranks; `hang` and `die` have a rank that never takes part.
#include <norma_mpi.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <norma/sharded.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int64_t rows = 7, hidden = 4096, chunk = 512;

struct Rank {
    int rank = 0, ranks = 1;
    norma_mpi mpi = {MPI_COMM_NULL, 2};
    int64_t slice = 0;

    Rank() {
        MPI_Comm_dup(MPI_COMM_WORLD, &mpi.communicator);
        MPI_Comm_set_errhandler(mpi.communicator, MPI_ERRORS_RETURN);
        MPI_Comm_rank(mpi.communicator, &rank);
        MPI_Comm_size(mpi.communicator, &ranks);
        slice = hidden / ranks;
    }

    norma_tensor columns(std::vector<float> &values, bool has_rows) const {
        float *first = values.data() + rank * slice;
        norma_tensor view = has_rows ? norma::tensor(first, {rows, slice}) : norma::tensor(first, {slice});
        view.strides[0] = has_rows ? hidden : 1;
        return view;
    }

    norma_status run(norma_op op, const norma_arguments &arguments, norma_exchange_kind kind) {
        norma_sharded_desc desc =
            norma::describe_sharded(norma::describe(op, slice, NORMA_F32, NORMA_F32), rank, ranks);
        desc.norm.flags = op == NORMA_RMS_NORM_FORWARD ? NORMA_SAVE_STATISTICS : 0;
        desc.chunk = chunk;
        desc.kind = kind;
        norma_sharded_plan *plan = nullptr;
        size_t bytes = 0;
        norma_status status = norma_sharded_plan_create(&desc, &plan);
        status = status ? status : norma_sharded_workspace_size(plan, rows, 1, &bytes);
        norma_execution execution = norma::execution(1);
        // Never freed: MPI may still write to it after a time-out.
        execution.workspace = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
        execution.workspace_size = bytes;
        status = status ? status : norma_sharded_run(plan, &arguments, &execution, norma_mpi_exchange, &mpi);
        norma_sharded_plan_destroy(plan);
        return status;
    }
};

struct Tensors {
    std::vector<float> x, dy, weight, y, dx, dweight, rstd;

    Tensors()
        : x(rows * hidden), dy(x), weight(hidden), y(x.size(), 7), dx(x.size(), 7), dweight(hidden, 7), rstd(rows) {
        for (size_t i = 0; i < x.size(); i++) {
            x[i] = static_cast<float>(i * 2654435761U % 1009) / 500 - 1;
            dy[i] = static_cast<float>(i * 2246822519U % 1013) / 500 - 1;
        }
        for (size_t d = 0; d < weight.size(); d++) {
            weight[d] = 1 + static_cast<float>(d % 13) / 16;
        }
    }

    norma_arguments forward(const Rank &rank) {
        norma_arguments arguments = norma::arguments(1e-5F);
        arguments.x = rank.columns(x, true);
        arguments.y = rank.columns(y, true);
        arguments.weight = rank.columns(weight, false);
        arguments.rstd = norma::tensor(rstd.data(), {rows});
        return arguments;
    }

    norma_arguments backward(const Rank &rank) {
        norma_arguments arguments = forward(rank);
        arguments.y = norma_tensor();
        arguments.dy = rank.columns(dy, true);
        arguments.dx = rank.columns(dx, true);
        arguments.dweight = rank.columns(dweight, false);
        return arguments;
    }
};

// Of the bits, so that the sum over the ranks is that of all columns.
uint64_t bits(const std::vector<float> &values, const Rank &rank, int64_t outer) {
    uint64_t sum = 0;
    for (int64_t i = 0; i < outer; i++) {
        for (int64_t d = rank.rank * rank.slice; d < (rank.rank + 1) * rank.slice; d++) {
            uint32_t word = 0;
            std::memcpy(&word, &values[static_cast<size_t>(i * hidden + d)], sizeof word);
            sum += word * (static_cast<uint64_t>(i * hidden + d) * 2 + 1);
        }
    }
    return sum;
}

void require(norma_status status) {
    if (status != NORMA_OK) {
        throw std::runtime_error(norma_last_error());
    }
}

void print_bits(Rank &rank, norma_exchange_kind kind, const char *name) {
    Tensors tensors;
    require(rank.run(NORMA_RMS_NORM_FORWARD, tensors.forward(rank), kind));
    require(rank.run(NORMA_RMS_NORM_BACKWARD, tensors.backward(rank), kind));
    uint64_t own[] = {bits(tensors.y, rank, rows), bits(tensors.dx, rank, rows), bits(tensors.dweight, rank, 1)};
    uint64_t all[3] = {};
    MPI_Reduce(own, all, 3, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    std::vector<float> of_first = tensors.rstd;
    MPI_Bcast(of_first.data(), static_cast<int>(rows), MPI_FLOAT, 0, MPI_COMM_WORLD);
    if (of_first != tensors.rstd) {
        throw std::runtime_error("rstd is not that of rank 0");
    }
    if (rank.rank == 0) {
        std::printf("%s: y %016lx dx %016lx dweight %016lx\n", name, all[0], all[1], all[2]);
    }
}

// Rank 1 does not come. What the others find is printed, before they end the program.
void wait_for_rank_1(Rank &rank, bool dies) {
    Tensors tensors;
    if (rank.rank == 1) {
        dies ? std::raise(SIGKILL) : static_cast<int>(sleep(60));
    }
    const norma_status status = rank.run(NORMA_RMS_NORM_FORWARD, tensors.forward(rank), NORMA_ALL_GATHER);
    const bool written = tensors.y != std::vector<float>(tensors.y.size(), 7);
    std::printf("rank %d: %s: %s; y is %s\n", rank.rank, norma_status_string(status), norma_last_error(),
                written ? "written" : "as it was");
    std::fflush(stdout);
    MPI_Abort(MPI_COMM_WORLD, 3);
}

}  // namespace

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    int failed = 0;
    try {
        Rank rank;
        const std::string test = argc > 1 ? argv[1] : "";
        if (test == "sum") {
            print_bits(rank, NORMA_ALL_GATHER, "all-gather");
            print_bits(rank, NORMA_ALL_REDUCE, "all-reduce");
        } else {
            wait_for_rank_1(rank, test == "die");
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "mpi_ranks: %s\n", error.what());
        failed = 1;
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Finalize();
    return failed;
}
