// SPDX-License-Identifier: MIT
// Whose threads runs use: Norma's pool, or the OpenMP threads that a framework of the process has already.
#pragma once

#include "norma/norma.h"

namespace norma::python {

// From now on, runs use the threads of the process's libgomp, as many as omp_get_max_threads() says. False where the
// process has not loaded it.
bool share_openmp();

// Sets parallel_for, and the number of threads where it is 0.
void use_threads(norma_execution &execution);

}  // namespace norma::python
