// SPDX-License-Identifier: MIT
// The exchange of norma_sharded_run through MPI.
//
//   norma_mpi mpi = {communicator, 10};
//   norma_sharded_run(plan, &arguments, &execution, norma_mpi_exchange, &mpi);
#ifndef NORMA_MPI_H
#define NORMA_MPI_H

#include <mpi.h>
#include <norma/sharded.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct norma_mpi {
    // Its ranks are those of the plan. Of its own (MPI_Comm_dup), so that no other collective call comes in between;
    // with MPI_ERRORS_RETURN, or MPI ends the program at its errors.
    MPI_Comm communicator;
    double seconds;  // that one exchange may take; 0: as long as it takes
} norma_mpi;

// An exchange has taken longer than `seconds`. MPI cannot call it off: until the program ends, or MPI is finalized, the
// run's workspace must stay as it is and the communicator is not to be used.
#define NORMA_MPI_TIMED_OUT (-1)

// A norma_exchange; `communicator` is a norma_mpi *. Returns NORMA_MPI_TIMED_OUT or an error class of MPI: MPI_ERR_RANK
// where rank and ranks are not the communicator's, MPI_ERR_COUNT where there is more to send than MPI can count. For
// as many threads as MPI was initialized for.
int norma_mpi_exchange(void *communicator, const norma_exchange_request *request);

#ifdef __cplusplus
}
#endif

#endif
