// SPDX-License-Identifier: MIT
#include "norma_mpi.h"

#include <limits.h>

static int error_class(int error) {
    int class = MPI_ERR_OTHER;
    return error == MPI_SUCCESS || MPI_Error_class(error, &class) != MPI_SUCCESS ? error : class;
}

static int begin(const norma_mpi *mpi, const norma_exchange_request *request, MPI_Request *pending) {
    const int count = (int)request->count;
    return request->kind == NORMA_ALL_REDUCE
               ? MPI_Iallreduce(request->send, request->receive, count, MPI_DOUBLE, MPI_SUM, mpi->communicator, pending)
               : MPI_Iallgather(request->send, count, MPI_DOUBLE, request->receive, count, MPI_DOUBLE,
                                mpi->communicator, pending);
}

static int wait_until(MPI_Request *pending, double deadline) {
    int done = 0;
    while (1) {
        const int error = MPI_Test(pending, &done, MPI_STATUS_IGNORE);
        if (error != MPI_SUCCESS || done) {
            return error_class(error);
        }
        if (MPI_Wtime() > deadline) {
            return NORMA_MPI_TIMED_OUT;
        }
    }
}

int norma_mpi_exchange(void *communicator, const norma_exchange_request *request) {
    const norma_mpi *mpi = communicator;
    const double start = MPI_Wtime();
    int rank = -1, ranks = -1;
    MPI_Request pending = MPI_REQUEST_NULL;
    int error = MPI_Comm_rank(mpi->communicator, &rank);
    error = error ? error : MPI_Comm_size(mpi->communicator, &ranks);
    if (error == MPI_SUCCESS && (rank != request->rank || ranks != request->ranks)) {
        return MPI_ERR_RANK;
    }
    if (request->type != NORMA_F64) {
        return MPI_ERR_TYPE;
    }
    if (request->count > INT_MAX) {
        return MPI_ERR_COUNT;
    }
    error = error ? error : begin(mpi, request, &pending);
    if (error != MPI_SUCCESS) {
        return error_class(error);
    }
    return mpi->seconds > 0 ? wait_until(&pending, start + mpi->seconds)
                            : error_class(MPI_Wait(&pending, MPI_STATUS_IGNORE));
}
