// SPDX-License-Identifier: MIT
#include "errors.h"

#include "last_error.h"
#include "norma/norma.hpp"

namespace nb = nanobind;

namespace norma::python {
namespace {

PyObject *error = nullptr, *not_in_library = nullptr;  // of the module, which is never unloaded

PyObject *type_of(norma_status status) {
    switch (status) {
        case NORMA_INVALID_ARGUMENT:
        case NORMA_UNSUPPORTED_TARGET: return PyExc_ValueError;
        case NORMA_OUT_OF_MEMORY: return PyExc_MemoryError;
        case NORMA_NOT_IN_LIBRARY: return not_in_library;
        default: return error;
    }
}

}  // namespace

void check(norma_status status) {
    if (status != NORMA_OK) {
        PyErr_SetString(type_of(status), last_error());
        throw nb::python_error();
    }
}

nb::handle error_type() { return error; }

void define_errors(nb::module_ &module) {
    error = PyErr_NewExceptionWithDoc("norma.Error", "A run that failed: no such device, or a failure on it.",
                                      PyExc_RuntimeError, nullptr);
    not_in_library = PyErr_NewExceptionWithDoc(
        "norma.NotInLibraryError", "The library has no such kernel. The message is the manifest line that adds it.",
        error, nullptr);
    nb::register_exception_translator([](const std::exception_ptr &thrown, void *) {
        try {
            std::rethrow_exception(thrown);
        } catch (const norma::Error &failed) {
            PyErr_SetString(type_of(failed.status()), last_error());
        }
    });
    module.attr("Error") = nb::handle(error);
    module.attr("NotInLibraryError") = nb::handle(not_in_library);
}

}  // namespace norma::python
