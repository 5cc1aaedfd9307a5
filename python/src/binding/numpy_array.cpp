// SPDX-License-Identifier: MIT
#include "numpy_array.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <string>

#include "runtime/vocabulary/dtypes.h"

namespace nb = nanobind;

namespace norma::python {
namespace {

struct KnownType {
    norma_dtype dtype;
    int type_num;                    // -1: a type of ml_dtypes, with a number of its own in each process
    const char *ml_dtypes;           // its name there
    PyArray_Descr *descr = nullptr;  // once it was asked for
};

KnownType known_types[] = {
    {NORMA_F32, NPY_FLOAT, nullptr},  {NORMA_F16, NPY_HALF, nullptr},       {NORMA_BF16, -1, "bfloat16"},
    {NORMA_I8, NPY_BYTE, nullptr},    {NORMA_U8, NPY_UBYTE, nullptr},       {NORMA_I32, NPY_INT, nullptr},
    {NORMA_F64, NPY_DOUBLE, nullptr}, {NORMA_F8_E4M3, -1, "float8_e4m3fn"}, {NORMA_F8_E5M2, -1, "float8_e5m2"},
};

bool loaded() {
    static bool done = false;
    if (!done && PyDict_GetItemString(PyImport_GetModuleDict(), "numpy")) {
        if (PyArray_ImportNumPyAPI() < 0) {
            throw nb::python_error();
        }
        done = true;
    }
    return done;
}

norma_dtype dtype_of(const PyArray_Descr *descr) {
    for (const KnownType &known : known_types) {
        if (known.type_num == descr->type_num) {
            return known.dtype == NORMA_F64 ? NORMA_NONE : known.dtype;  // no tensor of a caller's
        }
    }
    if (!PyTypeNum_ISUSERDEF(descr->type_num)) {
        return NORMA_NONE;
    }
    const nb::handle type(reinterpret_cast<PyObject *>(descr->typeobj));
    const std::string name = nb::str(type.attr("__name__")).c_str();
    for (KnownType &known : known_types) {
        if (known.ml_dtypes && name == known.ml_dtypes) {
            known.type_num = descr->type_num;
            return known.dtype;
        }
    }
    return NORMA_NONE;
}

// A new reference.
PyArray_Descr *descr_of(norma_dtype dtype) {
    for (KnownType &known : known_types) {
        if (known.dtype != dtype) {
            continue;
        }
        if (!known.descr && !known.ml_dtypes) {
            known.descr = PyArray_DescrFromType(known.type_num);
        } else if (!known.descr) {
            const nb::object type = nb::module_::import_("ml_dtypes").attr(known.ml_dtypes);
            if (!PyArray_DescrConverter(type.ptr(), &known.descr)) {
                throw nb::python_error();
            }
        }
        Py_INCREF(reinterpret_cast<PyObject *>(known.descr));
        return known.descr;
    }
    throw nb::type_error("NumPy has no such type");
}

}  // namespace

bool is_numpy(nb::handle object) { return loaded() && PyArray_Check(object.ptr()); }

NumpyView view_numpy(nb::handle object) {
    const auto *array = reinterpret_cast<const PyArrayObject *>(object.ptr());
    const PyArray_Descr *descr = PyArray_DESCR(array);
    static_assert(sizeof(npy_intp) == sizeof(int64_t));
    return {PyArray_DATA(const_cast<PyArrayObject *>(array)),
            PyArray_ISNOTSWAPPED(array) ? dtype_of(descr) : NORMA_NONE,
            PyArray_ISWRITEABLE(array) != 0,
            PyArray_NDIM(array),
            reinterpret_cast<const int64_t *>(PyArray_DIMS(array)),
            reinterpret_cast<const int64_t *>(PyArray_STRIDES(array)),
            PyArray_ITEMSIZE(array)};
}

nb::object new_numpy(norma_dtype dtype, int32_t rank, const int64_t *shape, void **data) {
    if (!loaded()) {
        nb::module_::import_("numpy");
        loaded();
    }
    PyObject *array = PyArray_NewFromDescr(&PyArray_Type, descr_of(dtype), rank,
                                           reinterpret_cast<const npy_intp *>(shape), nullptr, nullptr, 0, nullptr);
    if (!array) {
        throw nb::python_error();
    }
    *data = PyArray_DATA(reinterpret_cast<PyArrayObject *>(array));
    return nb::steal(array);
}

}  // namespace norma::python
