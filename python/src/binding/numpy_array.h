// SPDX-License-Identifier: MIT
// NumPy by its C API: its __dlpack__ and buffers take longer than a small norm, and know no types of ml_dtypes. NumPy
// is not needed before the first array of it comes.
#pragma once

#include <nanobind/nanobind.h>

#include "norma/norma.h"

namespace norma::python {

struct NumpyView {
    void *data;
    norma_dtype dtype;  // NORMA_NONE for one that Norma does not know, or of the other byte order
    bool writable;
    int32_t rank;
    const int64_t *shape, *strides;  // strides in bytes
    int64_t itemsize;
};

bool is_numpy(nanobind::handle object);
NumpyView view_numpy(nanobind::handle array);

// Contiguous and not initialized. Imports NumPy.
nanobind::object new_numpy(norma_dtype dtype, int32_t rank, const int64_t *shape, void **data);

}  // namespace norma::python
