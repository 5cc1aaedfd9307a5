# SPDX-License-Identifier: MIT
"""norma.torch: against PyTorch's own norms, torch.library.opcheck, gradients, torch.compile's fake
kernels."""

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional

import norma.torch

OPS = torch.ops.norma
HIDDEN = 192
DTYPES = [torch.float32, torch.bfloat16, torch.float16]
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}


def tensors(dtype, *shapes, grad=False):
    generator = torch.Generator().manual_seed(3)
    made = [torch.randn(s, generator=generator).to(dtype) for s in shapes]
    return [t.requires_grad_(grad) for t in made]


def close(found, expected, dtype):
    torch.testing.assert_close(found, expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(HIDDEN,), (4, HIDDEN), (1, 2, 1, 3, HIDDEN)])
def test_functions(dtype, shape):
    x, weight, bias = tensors(dtype, shape, HIDDEN, HIDDEN)
    close(
        norma.torch.layer_norm(x, weight, bias),
        functional.layer_norm(x, (HIDDEN,), weight, bias),
        dtype,
    )
    close(norma.torch.rms_norm(x, weight), functional.rms_norm(x, (HIDDEN,), weight, 1e-6), dtype)
    transposed = x.mT.contiguous().mT if x.dim() > 1 else x
    assert torch.equal(norma.torch.rms_norm(transposed, weight), norma.torch.rms_norm(x, weight))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradients(dtype):
    x, residual, weight, bias = tensors(dtype, (5, HIDDEN), (5, HIDDEN), HIDDEN, HIDDEN, grad=True)

    def gradients(y, inputs):
        return torch.autograd.grad(y.float().square().sum(), inputs)

    ours = gradients(norma.torch.layer_norm(x, weight, bias), (x, weight, bias))
    theirs = gradients(functional.layer_norm(x, (HIDDEN,), weight, bias), (x, weight, bias))
    for found, expected in zip(ours, theirs, strict=True):
        close(found / expected.abs().max(), expected / expected.abs().max(), dtype)
    y, residual_out = norma.torch.add_rms_norm(x, residual, weight)
    ours = gradients(y + residual_out, (x, residual, weight))
    summed = x + residual
    z = functional.rms_norm(summed, (HIDDEN,), weight, 1e-6) + summed
    for found, expected in zip(ours, gradients(z, (x, residual, weight)), strict=True):
        close(found / expected.abs().max(), expected / expected.abs().max(), dtype)


@pytest.mark.parametrize("op", ["layer_norm", "rms_norm"])
def test_gradcheck(op):
    """Kernels are fp32: central differences with a large step, against our backward."""
    x, weight = tensors(torch.float32, (3, 64), 64, grad=True)
    run = getattr(norma.torch, op)
    assert torch.autograd.gradcheck(
        run, (x, weight), eps=1e-2, atol=2e-2, rtol=2e-2, fast_mode=True
    )


def test_no_weight_no_grad():
    (x,) = tensors(torch.float32, (5, HIDDEN), grad=True)
    close(norma.torch.rms_norm(x), functional.rms_norm(x, (HIDDEN,), eps=1e-6), torch.float32)
    with torch.no_grad():
        assert not norma.torch.rms_norm(x).requires_grad
    with torch.inference_mode():
        norma.torch.rms_norm(x)


X = [torch.randn(5, HIDDEN), torch.randn(5, HIDDEN)]
W = [torch.randn(HIDDEN), torch.randn(HIDDEN)]
SAMPLES = {
    "layer_norm": (X[0], *W, 1e-5),
    "rms_norm": (X[0], W[0], None, 1e-6),
    "add_layer_norm": (*X, *W, 1e-5),
    "add_rms_norm": (*X, W[0], None, 1e-6),
    "layer_norm_quantized": (X[0], *W, 1e-5, "i8", "row"),
    "rms_norm_quantized": (X[0].bfloat16(), W[0].bfloat16(), None, 1e-6, "i8", "row"),
    "layer_norm_backward": (*X, W[0], None, True, 1e-5),
    "rms_norm_backward": (*X, W[0], X[0], False, 1e-6),
}


@pytest.mark.parametrize("op", SAMPLES)
def test_opcheck(op):
    def with_grad(value):
        is_input = torch.is_tensor(value) and "quantized" not in op and "backward" not in op
        return value.clone().requires_grad_() if is_input else value

    torch.library.opcheck(getattr(OPS, op).default, tuple(map(with_grad, SAMPLES[op])))


def test_compile():
    """In one graph, without breaks; aot_eager needs no compiler."""
    module = norma.torch.RMSNorm(HIDDEN, eps=1e-6)
    (x,) = tensors(torch.float32, (5, HIDDEN), grad=True)
    compiled = torch.compile(lambda x: module(x * 2).sum(), fullgraph=True, backend="aot_eager")
    expected = module(x * 2).sum()
    assert torch.equal(compiled(x), expected)
    found = torch.autograd.grad(compiled(x), x)[0]
    assert torch.equal(found, torch.autograd.grad(expected, x)[0])


def test_export():
    program = torch.export.export(norma.torch.LayerNorm(HIDDEN), (torch.randn(5, HIDDEN),))
    assert "norma.layer_norm" in str(program.graph)


def test_autocast():
    x, weight = tensors(torch.float32, (5, HIDDEN), HIDDEN)
    with torch.autocast("cpu", torch.bfloat16):
        assert norma.torch.rms_norm(x, weight).dtype == torch.float32
        assert norma.torch.rms_norm(x.bfloat16(), weight).dtype == torch.bfloat16


def test_modules():
    x = torch.randn(2, 3, HIDDEN)
    for ours, theirs in [
        (norma.torch.LayerNorm, torch.nn.LayerNorm(HIDDEN)),
        (norma.torch.LayerNorm, torch.nn.LayerNorm((3, HIDDEN))),
        (norma.torch.LayerNorm, torch.nn.LayerNorm(HIDDEN, bias=False)),
        (norma.torch.RMSNorm, torch.nn.RMSNorm(HIDDEN)),
        (norma.torch.RMSNorm, torch.nn.RMSNorm((3, HIDDEN), eps=1e-5)),
    ]:
        module = ours.of(theirs)
        assert module.weight is theirs.weight
        assert module.state_dict().keys() == theirs.state_dict().keys()
        close(module(x), theirs(x), torch.float32)


def test_threads():
    x, weight = tensors(torch.float32, (700, 768), 768)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(norma.torch.rms_norm(x, weight))
    torch.set_num_threads(before)
    assert all(torch.equal(results[0], result) for result in results[1:])


def test_refusals():
    x = torch.randn(5, HIDDEN)
    with pytest.raises(ValueError, match="weight.shape"):
        norma.torch.rms_norm(x, torch.randn(3))
    with pytest.raises(TypeError, match="float64"):
        norma.torch.rms_norm(x.double())
    with pytest.raises((RuntimeError, ValueError), match="eps is 1e-46, which float32"):
        torch.ops.norma.rms_norm.default(x, None, None, 1e-46)
    for odd in [
        torch.empty(5, 8, device="meta"),
        x.to_sparse(),
        torch.zeros(3, dtype=torch.complex64),
    ]:
        with pytest.raises((ValueError, TypeError, RuntimeError, NotImplementedError)):
            norma.rms_norm(odd)


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_compiled_code_calls_norma(name):
    """Without the dispatcher, but for arguments that only the dispatcher takes. Nothing of this is
    C++, whose compiler would take seconds."""
    from torch._inductor.utils import run_and_get_code

    op = getattr(OPS, name).default
    x, weight, bias = tensors(torch.float32, (4, HIDDEN), HIDDEN, HIDDEN)
    bias = bias if name == "layer_norm" else None
    direct, dispatched = f"torch.ops.norma.into_{name}(", f"torch.ops.norma.{name}.default("
    cases = [(direct, (weight, bias, 1e-6, 1.0)), (direct, (None, None, 1e-6))]
    if bias is not None:
        cases.append((dispatched, (None, bias, 1e-6)))
    for call, arguments in cases:
        torch._dynamo.reset()
        with torch._inductor.config.patch(force_disable_caches=True):
            compiled = torch.compile(lambda x, arguments=arguments: op(x, *arguments), dynamic=True)
            found, codes = run_and_get_code(compiled, x)
        assert call in "".join(codes)
        assert torch.equal(found, op(x, *arguments))
        assert torch.equal(compiled(x[:3]), op(x[:3], *arguments))


def test_kernels_for_cuda():
    """PyTorch for CPUs has no CUDA tensors, but calls the kernels for them. test_cuda.py says what
    becomes of arrays on CUDA."""
    x, residual, weight = (torch.randn(s) for s in ((2, 1, 3, 2, 64), (2, 1, 3, 2, 64), 64))
    affine = {"layer_norm": (weight, weight), "rms_norm": (weight, None)}
    for name, (w, b) in affine.items():
        calls = {
            name: (x, w, b, 1e-5),
            f"add_{name}": (x, residual, w, b, 1e-5),
            f"{name}_quantized": (x, w, b, 1e-5, "i8", "row"),
            f"{name}_backward": (x, residual, w, None, b is not None, 1e-5),
        }
        for op, arguments in calls.items():
            op = getattr(torch.ops.norma, op).default
            cuda = torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA)
            found = op.redispatch(cuda, *arguments)
            torch.testing.assert_close(found, op(*arguments), rtol=0, atol=0)
