// SPDX-License-Identifier: MIT
// mpirun -n 2 example_tensor_parallel: a pre-norm Transformer layer whose hidden size is spread over the ranks. Each
// has its columns of x between the matrices, so the norms are sharded too. Checked against the whole layer in double.
#include <norma_mpi.h>

#include <norma/sharded.hpp>
#include <vector>

#include "../transformer/check.h"
#include "../transformer/norms.h"

namespace {

using namespace example;
using Floats = Matrix<float>;

// This rank's part of whole matrices, and sums over the ranks.
struct Parallel {
    norma_mpi mpi = {MPI_COMM_WORLD, 10};
    int rank = 0, ranks = 1;

    Parallel() {
        MPI_Comm_rank(mpi.communicator, &rank);
        MPI_Comm_size(mpi.communicator, &ranks);
    }

    Floats columns(const Floats &whole) const {
        const Eigen::Index own = whole.cols() / ranks;
        return whole.middleCols(rank * own, own);
    }

    Floats rows(const Floats &whole) const {
        const Eigen::Index own = whole.rows() / ranks;
        return whole.middleRows(rank * own, own);
    }

    // x has this rank's columns, and so has the product.
    Floats multiply(const Floats &x, const Floats &matrix) const {
        Floats sum = x * rows(matrix);
        MPI_Allreduce(MPI_IN_PLACE, sum.data(), static_cast<int>(sum.size()), MPI_FLOAT, MPI_SUM, mpi.communicator);
        return columns(sum);
    }
};

class ShardedNorm {
public:
    explicit ShardedNorm(Parallel &parallel) : parallel_(parallel), plan_(describe(parallel)) {}

    Floats operator()(const NormWeights<float> &weights, const Floats &x) {
        const Floats weight = parallel_.columns(weights.weight);
        Floats y(x.rows(), x.cols());
        norma_arguments arguments = norma::arguments(eps);
        arguments.x = norma::tensor(x.data(), {x.rows(), x.cols()});
        arguments.y = norma::tensor(y.data(), {x.rows(), x.cols()});
        arguments.weight = norma::tensor(weight.data(), {x.cols()});
        plan_.run(arguments, norma::execution(), workspace_, norma_mpi_exchange, &parallel_.mpi);
        return y;
    }

private:
    static norma_sharded_desc describe(const Parallel &parallel) {
        const norma_plan_desc norm =
            norma::describe(NORMA_RMS_NORM_FORWARD, hidden / parallel.ranks, NORMA_F32, NORMA_F32);
        norma_sharded_desc desc = norma::describe_sharded(norm, parallel.rank, parallel.ranks);
        desc.chunk = hidden / heads;  // a whole part of the slices of 1, 2 and 4 ranks
        return desc;
    }

    Parallel &parallel_;
    norma::ShardedPlan plan_;
    norma::Workspace workspace_;
};

Floats sharded_layer(const Parallel &parallel, const Layer<float> &layer, Floats x, ShardedNorm &norm) {
    const Floats n = norm(layer.attention_norm, x);
    const Floats q = parallel.multiply(n, layer.query), k = parallel.multiply(n, layer.key),
                 v = parallel.multiply(n, layer.value);
    x += parallel.multiply(attend(q, k, v, heads / parallel.ranks), layer.out);
    const Floats up = parallel.multiply(norm(layer.ffn_norm, x), layer.up);
    return x + parallel.multiply(silu(up), layer.down);
}

Matrix<double> whole_layer(const Layer<double> &layer, const Matrix<double> &x) {
    const Formula norm(NORMA_RMS_NORM_FORWARD);
    const Matrix<double> h = x + attention(layer, norm(layer.attention_norm, x).y);
    return h + feed_forward(layer, norm(layer.ffn_norm, h).y);
}

int run() {
    Parallel parallel;
    if (heads % parallel.ranks != 0) {
        std::fprintf(stderr, "%d ranks; expected 1, 2 or 4\n", parallel.ranks);
        return 1;
    }
    std::mt19937 random(1);
    const Layer<double> layer = random_layer(random);
    const Matrix<double> x = random_matrix(random, tokens, hidden, 0, 1);
    ShardedNorm norm(parallel);
    const Floats y = sharded_layer(parallel, to_float(layer), parallel.columns(x.cast<float>()), norm);
    const Eigen::Index own = y.cols();
    const Matrix<double> expected = whole_layer(layer, x).middleCols(parallel.rank * own, own);
    const std::string what = "rank " + std::to_string(parallel.rank) + " of " + std::to_string(parallel.ranks) +
                             ", a tensor-parallel layer with RMSNorm";
    return compare(what.c_str(), y, expected);
}

}  // namespace

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    try {
        const int status = run();
        MPI_Finalize();
        return status;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}
