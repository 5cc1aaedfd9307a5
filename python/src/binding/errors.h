// SPDX-License-Identifier: MIT
// A status of norma.h as an exception of Python.
#pragma once

#include <nanobind/nanobind.h>

#include "norma/norma.h"

namespace norma::python {

void check(norma_status status);

nanobind::handle error_type();  // norma.Error

void define_errors(nanobind::module_ &module);

}  // namespace norma::python
