# SPDX-License-Identifier: MIT
"""norma.torch.enable(): PyTorch's own functions give what they gave, by Norma's kernels."""

import itertools

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional

import norma.torch

HIDDEN = 192
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float64: 1e-12}


@pytest.fixture
def enabled():
    norma.torch.enable()
    yield
    norma.torch.disable()


def both(run, inputs):
    """Result and gradients, of PyTorch (which loses more in bfloat16: in float32), and of Norma."""
    found = []
    for switch in (norma.torch.disable, norma.torch.enable):
        switch()
        leaves = [i.detach().clone() for i in inputs]
        if switch is norma.torch.disable and inputs[0].dtype == torch.bfloat16:
            leaves = [leaf.float() for leaf in leaves]
        leaves = [leaf.requires_grad_() for leaf in leaves]
        y = run(*leaves)
        results = [y, *torch.autograd.grad((y * y.detach().cos()).sum(), leaves)]
        found.append([r.to(inputs[0].dtype) for r in results])
    norma.torch.disable()
    return zip(*found, strict=True)


SHAPES = [
    ((200, HIDDEN), 1),
    ((HIDDEN,), 1),
    ((2, 3, 10, 5, HIDDEN), 1),
    ((100, 3, HIDDEN), 2),
]


@pytest.mark.parametrize(
    ("dtype", "shape", "parameters"), list(itertools.product(TOLERANCE, SHAPES, [0, 1, 2])), ids=str
)
def test_same_results(dtype, shape, parameters):
    shape, last = shape
    normalized = shape[len(shape) - last :]
    generator = torch.Generator().manual_seed(5)
    inputs = [
        torch.randn(s, generator=generator).to(dtype) for s in [shape, normalized, normalized]
    ][: 1 + parameters]
    runs = [lambda x, *p: functional.layer_norm(x, normalized, *p)]
    if parameters < 2:
        runs.append(lambda x, *p: functional.rms_norm(x, normalized, *p))
    for run in runs:
        for theirs, ours in both(run, inputs):
            scale = theirs.abs().max()
            torch.testing.assert_close(
                ours / scale, theirs / scale, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype]
            )


def test_what_is_used_and_what_is_left_alone(enabled):
    before = norma.torch.left_alone()
    x = torch.randn(200, HIDDEN)
    assert torch.equal(
        functional.rms_norm(x, (HIDDEN,), eps=1e-6), norma.torch.rms_norm(x, eps=1e-6)
    )
    y = functional.layer_norm(x, (HIDDEN,))
    assert torch.equal(y, norma.torch.layer_norm(x))
    assert norma.torch.left_alone() == before
    functional.layer_norm(x.double(), (HIDDEN,))
    functional.rms_norm(x[:0], (HIDDEN,))
    new = {key for key in norma.torch.left_alone() if key not in before}
    assert "native_layer_norm: torch.float64 of [200, 192]" in new | set(before)
    with pytest.raises(RuntimeError, match="normalized_shape"):
        functional.layer_norm(x, (7,))


def test_modules_and_strides(enabled):
    x = torch.randn(HIDDEN, 200).T
    module = torch.nn.LayerNorm(HIDDEN)
    assert torch.equal(module(x), norma.torch.layer_norm(x, module.weight, module.bias))
    module(x).sum().backward()
    assert module.weight.grad.shape == (HIDDEN,)
