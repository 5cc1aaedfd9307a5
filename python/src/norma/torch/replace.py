# SPDX-License-Identifier: MIT
"""The norms of a model by Norma's modules, whatever library the model comes from.

Models have norms of their own: they round at other places (Llama) or add 1 to the weight (Gemma).
What each computes is found out by trying: a copy with random weights, in bfloat16, against what
Norma can do."""

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .modules import LayerNorm, RMSNorm

EPS = ("variance_epsilon", "eps", "epsilon", "norm_eps")
# Of bfloat16: results may differ by one rounding here and there, where sums are added in another
# order.
LARGEST_SHARE_OF_OTHERS = 0.002


class Meaning(NamedTuple):
    """What a module computes, in Norma's words."""

    weight_offset: float
    contract: str


MEANINGS = [
    Meaning(0.0, "hf"),
    Meaning(0.0, "fp32_once"),
    Meaning(1.0, "fp32_once"),
    Meaning(1.0, "hf"),
]


def replace_norms(model: torch.nn.Module) -> dict[str, str]:
    """Replaces the norms of `model`, in place, by modules that share their parameters.

    Returns what became of each norm, by its name in the model; "left alone: ..." with the reason
    for one that computes something else. State dicts stay as they were."""
    found: dict[str, str] = {}
    known: dict[tuple[type, float | None], Meaning | None] = {}
    for name, module in list(model.named_modules()):
        if not name or isinstance(module, (LayerNorm, RMSNorm)):
            continue
        if type(module) is torch.nn.LayerNorm:
            made, found[name] = LayerNorm.of(module), "LayerNorm"
        elif type(module) is torch.nn.RMSNorm:
            made, found[name] = RMSNorm.of(module), "RMSNorm"
        elif type(module).__name__.endswith("RMSNorm"):
            made, found[name] = of_unknown(module, known)
        else:
            continue
        if made is not None:
            made.train(module.training)
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, made)
    return found


def of_unknown(
    module: torch.nn.Module, known: dict[Any, Meaning | None]
) -> tuple[RMSNorm | None, str]:
    kind = type(module).__name__
    eps = next((getattr(module, name) for name in EPS if hasattr(module, name)), None)
    weight = getattr(module, "weight", None)
    if eps is None or not isinstance(weight, Tensor) or weight.dim() != 1:
        return None, f"left alone: {kind} has no eps, or no weight of one dimension"
    key = type(module), eps
    if key not in known:
        known[key] = meaning_of(module, eps)
    meaning = known[key]
    if meaning is None:
        return None, f"left alone: {kind} computes something else"
    made = RMSNorm.of(module, eps, *meaning)
    return made, f"RMSNorm, weight_offset {meaning.weight_offset:g}, contract {meaning.contract}"


@torch.no_grad()
def meaning_of(module: torch.nn.Module, eps: float) -> Meaning | None:
    """The one that gives the same results; the nearest, where several do within a rounding."""
    probe = copy.deepcopy(module).to(device="cpu", dtype=torch.bfloat16)
    generator = torch.Generator().manual_seed(0)
    probe.weight.copy_(torch.randn(probe.weight.shape, generator=generator))
    x = torch.randn(64, probe.weight.numel(), generator=generator).bfloat16()
    expected = probe(x)
    if expected.dtype != x.dtype or expected.shape != x.shape:
        return None

    def others(meaning: Meaning) -> float:
        found = RMSNorm.of(probe, eps, *meaning)(x)
        return (found != expected).float().mean().item()

    nearest = min(MEANINGS, key=others)
    return nearest if others(nearest) <= LARGEST_SHARE_OF_OTHERS else None
