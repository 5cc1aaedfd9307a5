// SPDX-License-Identifier: MIT
#pragma once

#include <nanobind/nanobind.h>

namespace norma::python {

void define_torch_ops(nanobind::module_ &module);

}  // namespace norma::python
