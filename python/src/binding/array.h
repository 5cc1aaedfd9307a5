// SPDX-License-Identifier: MIT
// Arrays of Python as norma_tensors, without copies: numpy's (those of ml_dtypes too), those of frameworks that hand
// over DLPack tensors in C (PyTorch) or in Python (JAX and others), and whatever has the buffer protocol.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <vector>

#include "norma/norma.h"

namespace norma::python {

namespace nb = nanobind;

// What keeps memory valid during a call, where the caller's own references do not.
using Leases = std::vector<nb::ndarray<nb::ro>>;

// `name` is for messages. Raises TypeError for what is no array or has a type that Norma does not know, and ValueError
// for a read-only output, more than four dimensions, or strides between elements.
norma_tensor view(nb::handle array, const char *name, bool output, Leases &leases);

// A new contiguous array of the same library as `like`, and its tensor; of NumPy where the library cannot be asked.
nb::object new_array(nb::handle like, const norma_device &device, norma_dtype dtype, int32_t rank, const int64_t *shape,
                     norma_tensor *tensor);

// An array of new_array, when it is written, as one of the library of `like` (JAX: its arrays are immutable).
nb::object to_library_of(nb::handle like, nb::object array);

// The stream on which the array's library works: null on the CPU, or where it does not say.
void *stream_of(nb::handle array, const norma_device &device);

}  // namespace norma::python
