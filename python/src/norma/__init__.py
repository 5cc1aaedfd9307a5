# SPDX-License-Identifier: MIT
"""LayerNorm and RMSNorm by kernels compiled ahead of time, on arrays of any library.

Arrays are NumPy's (also of ml_dtypes' types), or have DLPack or the buffer protocol. Nothing is
copied."""

from ._norma import (
    Call,
    Error,
    NotInLibraryError,
    Plan,
    Shard,
    __version__,
    get_num_threads,
    kernels,
    layer_norm,
    layer_norm_backward,
    rms_norm,
    rms_norm_backward,
    set_calibration,
    set_num_threads,
    targets,
)

__all__ = [
    "Call",
    "Error",
    "NotInLibraryError",
    "Plan",
    "Shard",
    "__version__",
    "get_num_threads",
    "kernels",
    "layer_norm",
    "layer_norm_backward",
    "rms_norm",
    "rms_norm_backward",
    "set_calibration",
    "set_num_threads",
    "targets",
]
