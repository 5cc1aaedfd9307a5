# SPDX-License-Identifier: MIT
"""Arrays on CUDA, on a CUDA driver without a device (NORMA_FAKE_CUDA names the folder of its
libcuda.so.1, as CMake builds it for the tests): device memory is memory, and the kernels are
interpreted. The arrays are handed over as PyTorch's are."""

import ctypes
import os
import pathlib

import numpy as np
import pytest

import norma
from reference import backward, forward

FOLDER = os.environ.get("NORMA_FAKE_CUDA", "")
if not pathlib.Path(FOLDER, "libcuda.so.1").is_file():
    pytest.skip("NORMA_FAKE_CUDA names no driver", allow_module_level=True)
# Norma looks for the driver once, by a name that is loaded then.
driver = ctypes.CDLL(str(pathlib.Path(FOLDER, "libcuda.so.1")), mode=ctypes.RTLD_GLOBAL)
if not any(target["name"].startswith("cuda") for target in norma.targets()):
    pytest.skip("this build has no CUDA kernels", allow_module_level=True)

ROWS, HIDDEN = 3, 256
CUDA = 2
TYPES = {np.dtype("float32"): (2, 32), np.dtype("float16"): (2, 16), np.dtype("uint8"): (1, 8)}


class DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    )


def check(error):
    assert error == 0


class DeviceArray:
    """A contiguous array in memory that the driver gave."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        self.data = ctypes.c_uint64()
        check(driver.cuMemAlloc_v2(ctypes.byref(self.data), ctypes.c_size_t(max(self.bytes, 1))))
        self.dims = (ctypes.c_int64 * max(len(self.shape), 1))(*self.shape)

    @classmethod
    def of(cls, values):
        values = np.ascontiguousarray(values)
        array = cls(values.shape, values.dtype)
        check(
            driver.cuMemcpyHtoD_v2(
                array.data, values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.bytes)
            )
        )
        return array

    def host(self):
        values = np.empty(self.shape, self.dtype)
        check(
            driver.cuMemcpyDtoH_v2(
                values.ctypes.data_as(ctypes.c_void_p), self.data, ctypes.c_size_t(self.bytes)
            )
        )
        return values


stream_of_the_library = ctypes.c_void_p()
allocated = {}  # by what stands for DLPack's managed tensor


@ctypes.PYFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(DLTensor),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_void_p,
    ctypes.c_void_p,
)
def allocate(prototype, out, context, set_error):
    tensor = prototype.contents
    dtype = {value: key for key, value in TYPES.items()}[tensor.code, tensor.bits]
    array = DeviceArray(tensor.shape[: tensor.ndim], dtype)
    allocated[id(array)] = array
    out[0] = id(array)
    return 0


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
def to_object(managed, out):
    array = allocated.pop(managed)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(array))
    out[0] = id(array)
    return 0


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(DLTensor))
def from_object(array, out):
    out[0] = DLTensor(
        array.data.value, CUDA, 0, len(array.shape), *TYPES[array.dtype], 1, array.dims, None, 0
    )
    return 0


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int32, ctypes.c_int32, ctypes.POINTER(ctypes.c_void_p))
def current_stream(device_type, device_id, out):
    assert (device_type, device_id) == (CUDA, 0)
    out[0] = stream_of_the_library.value
    return 0


class Exchange(ctypes.Structure):
    """DLPackExchangeAPI of DLPack 1.3."""

    _fields_ = (
        ("version", ctypes.c_uint32 * 2),
        ("previous", ctypes.c_void_p),
        ("functions", ctypes.c_void_p * 5),
    )


functions = (allocate, None, to_object, from_object, current_stream)
exchange = Exchange(
    (1, 3), None, tuple(f and ctypes.cast(f, ctypes.c_void_p).value for f in functions)
)
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
NAME = b"dlpack_exchange_api"  # which a capsule refers to
DeviceArray.__dlpack_c_exchange_api__ = new_capsule(ctypes.addressof(exchange), NAME, None)


@pytest.fixture(autouse=True, scope="module")
def context():
    context = ctypes.c_void_p()
    check(driver.cuInit(0))
    check(driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0))
    check(driver.cuCtxSetCurrent(context))
    create_stream = driver["_ZN9fake_cuda13create_streamEPv"]  # fake_driver.h
    create_stream.restype, create_stream.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    stream_of_the_library.value = create_stream(context)
    yield
    check(driver.cuCtxSetCurrent(None))


def arrays(*shapes):
    random = np.random.default_rng(0)
    return [random.standard_normal(shape, np.float32) for shape in shapes]


def parameters(op):
    return [HIDDEN] * (2 if op == "layer_norm" else 1)


@pytest.mark.parametrize("op", ["layer_norm", "rms_norm"])
def test_forward(op):
    x, *affine = arrays((ROWS, HIDDEN), *parameters(op))
    y = getattr(norma, op)(*map(DeviceArray.of, (x, *affine)), eps=1e-5)
    assert isinstance(y, DeviceArray)
    expected = forward(op, x, *affine).y
    np.testing.assert_allclose(y.host(), expected, atol=4e-6)


@pytest.mark.parametrize("op", ["layer_norm", "rms_norm"])
def test_backward(op):
    """Which needs a workspace, from the arrays' library."""
    x, dy, *affine = arrays((ROWS, HIDDEN), (ROWS, HIDDEN), *parameters(op))
    device = [DeviceArray.of(array) for array in (x, *affine)]
    _, *saved = getattr(norma, op)(*device, statistics=True, eps=1e-5)
    statistics = dict(zip(("rstd", "mean"), reversed(saved), strict=False))
    run, bias = getattr(norma, f"{op}_backward"), len(affine) > 1
    results = run(DeviceArray.of(dy), *device[:2], **statistics, bias=bias)
    for found, expected in zip(results, backward(op, dy, x, affine[0]), strict=False):
        np.testing.assert_allclose(found.host(), expected, atol=1e-5)


def test_runs_on_the_stream_of_the_library():
    x, weight = (DeviceArray.of(array) for array in arrays((ROWS, HIDDEN), HIDDEN))
    stream = stream_of_the_library.value
    stream_of_the_library.value = 0x1234  # none of the driver's
    try:
        with pytest.raises(norma.Error, match="cuLaunchKernel"):
            norma.rms_norm(x, weight)
    finally:
        stream_of_the_library.value = stream
    norma.rms_norm(x, weight)


def test_devices_are_not_mixed():
    x, weight = arrays((ROWS, HIDDEN), HIDDEN)
    with pytest.raises(ValueError, match=r"weight\.device"):
        norma.rms_norm(DeviceArray.of(x), weight)
