# SPDX-License-Identifier: MIT
"""Norma in PyTorch on CPUs: functions, modules, and `enable()` for models that call PyTorch's own.

Runs use PyTorch's threads, as many as torch.get_num_threads() says.
"""

import torch as _torch  # noqa: F401, loads libgomp

from .. import _norma
from .enable import disable, enable, left_alone
from .functions import add_layer_norm, add_rms_norm, layer_norm, rms_norm
from .modules import LayerNorm, RMSNorm
from .replace import replace_norms
from .sharded import shard, sharded_layer_norm, sharded_rms_norm

_norma.share_openmp()

__all__ = [
    "LayerNorm",
    "RMSNorm",
    "add_layer_norm",
    "add_rms_norm",
    "disable",
    "enable",
    "layer_norm",
    "left_alone",
    "replace_norms",
    "rms_norm",
    "shard",
    "sharded_layer_norm",
    "sharded_rms_norm",
]
