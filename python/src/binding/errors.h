// SPDX-License-Identifier: MIT
// A status of norma.h as an exception of Python, with norma_last_error() as its message.
#pragma once

#include <nanobind/nanobind.h>

#include "norma/norma.h"

namespace norma::python {

void check(norma_status status);

nanobind::handle error_type();  // norma.Error

void define_errors(nanobind::module_ &module);

}  // namespace norma::python
