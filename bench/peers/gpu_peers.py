# SPDX-License-Identifier: MIT
"""What each library does with one case on a GPU. A peer is a function of (torch, tensors) that
returns what to time: a call without arguments, which gives (y,) or (y, sum) in a forward pass and
(dx, dweight) or (dx, dweight, dbias) in a backward pass, and what to do before each call. It raises
what keeps it from the case. Memory and saved statistics are ready before the call where the
library's functions let them be."""

import functools
import pathlib
import typing

DEVICE = "cuda"
EPS = 1e-5


class Run(typing.NamedTuple):
    call: typing.Callable
    before: typing.Callable = lambda: None


class NotThere(Exception):
    """The library has no such function."""


class Tensors:
    """Those of one case. A LayerNorm has a bias, an RMSNorm has none."""

    def __init__(self, torch, case):
        dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[case.dtype]
        make = functools.partial(torch.randn, device=DEVICE, dtype=dtype)
        self.case, self.hidden = case, [case.hidden]
        self.x, self.weight = make(case.rows, case.hidden), make(case.hidden)
        self.bias = make(case.hidden) if case.centred else None
        self.residual = make(case.rows, case.hidden) if case.residual else None
        self.dy = make(case.rows, case.hidden) if case.backward else None

    @functools.cached_property
    def statistics(self):
        """mean (of a LayerNorm) and rstd of each row, in float32."""
        x = self.x.double()
        mean = x.mean(1) if self.case.centred else None
        variance = x.var(1, correction=0) if self.case.centred else (x * x).mean(1)
        rstd = (variance + EPS).rsqrt().float()
        return None if mean is None else mean.float(), rstd


def reference(torch, tensors):
    """The same results in float64."""
    case = tensors.case
    x, weight = tensors.x.double(), tensors.weight.double()
    total = x + tensors.residual.double() if case.residual else x
    centre = total - total.mean(1, keepdim=True) if case.centred else total
    rstd = ((centre * centre).mean(1, keepdim=True) + EPS).rsqrt()
    normed = centre.mul_(rstd) if case.centred else centre * rstd
    if not case.backward:
        y = normed * weight
        if case.centred:
            y += tensors.bias.double()
        return (y, total) if case.residual else (y,)
    dy = tensors.dy.double()
    gradient = dy * weight
    dx = gradient - normed * (gradient * normed).mean(1, keepdim=True)
    if case.centred:
        dx -= gradient.mean(1, keepdim=True)
    dweight = (dy * normed).sum(0)
    return (dx * rstd, dweight, dy.sum(0)) if case.centred else (dx * rstd, dweight)


def plain(torch, case):
    """The forward pass of (x, weight, bias, residual), by torch's functions."""

    def forward(x, weight, bias, residual):
        total = x if residual is None else x + residual
        if case.centred:
            y = torch.nn.functional.layer_norm(total, (case.hidden,), weight, bias, EPS)
        else:
            y = torch.nn.functional.rms_norm(total, (case.hidden,), weight, EPS)
        return (y,) if residual is None else (y, total)

    return forward


def eager(torch, tensors):
    case, aten = tensors.case, torch.ops.aten
    x, dy, shape, weight, bias = (
        tensors.x,
        tensors.dy,
        tensors.hidden,
        tensors.weight,
        tensors.bias,
    )
    if not case.backward:
        forward = plain(torch, case)
        return Run(lambda: forward(x, weight, bias, tensors.residual))
    if case.centred:
        _, mean, rstd = aten.native_layer_norm(x, shape, weight, bias, EPS)
        all_three = [True] * 3
        return Run(
            lambda: aten.native_layer_norm_backward(
                dy, x, shape, mean, rstd, weight, bias, all_three
            )
        )
    _, rstd = aten._fused_rms_norm(x, shape, weight, EPS)
    both = [True] * 2
    return Run(lambda: aten._fused_rms_norm_backward(dy, x, shape, rstd, weight, both))


def compiled(torch, tensors, mode=None):
    """The backward pass is what torch.compile makes of the gradient, through autograd."""
    case = tensors.case
    forward = torch.compile(plain(torch, case), dynamic=False, mode=mode)
    if not case.backward:
        return Run(lambda: forward(tensors.x, tensors.weight, tensors.bias, tensors.residual))
    inputs = [tensors.x, tensors.weight] + ([tensors.bias] if case.centred else [])
    inputs = [tensor.detach().requires_grad_() for tensor in inputs]
    with torch.enable_grad():
        y = forward(*inputs, *[None] * (4 - len(inputs)))[0]
    return Run(lambda: torch.autograd.grad(y, inputs, tensors.dy, retain_graph=True))


def compiled_longer(torch, tensors):
    return compiled(torch, tensors, "max-autotune-no-cudagraphs")


@functools.cache
def triton_kernel():
    """A row to a program, in registers: what a first Triton kernel of a norm looks like."""
    import triton
    import triton.language as tl

    @triton.jit
    def kernel(
        x, r, weight, bias, y, total, hidden, eps,
        centred: tl.constexpr, residual: tl.constexpr, block: tl.constexpr,
    ):  # fmt: skip
        row = tl.program_id(0).to(tl.int64) * hidden
        columns = tl.arange(0, block)
        inside = columns < hidden
        values = tl.load(x + row + columns, mask=inside, other=0).to(tl.float32)
        if residual:
            values += tl.load(r + row + columns, mask=inside, other=0).to(tl.float32)
            tl.store(total + row + columns, values.to(total.dtype.element_ty), mask=inside)
        if centred:
            mean = tl.sum(values, axis=0) / hidden
            values = tl.where(inside, values - mean, 0)
        rstd = 1 / tl.sqrt(tl.sum(values * values, axis=0) / hidden + eps)
        result = values * rstd * tl.load(weight + columns, mask=inside).to(tl.float32)
        if centred:
            result += tl.load(bias + columns, mask=inside).to(tl.float32)
        tl.store(y + row + columns, result.to(y.dtype.element_ty), mask=inside)

    return kernel


def triton(torch, tensors):
    case, x = tensors.case, tensors.x
    if case.backward:
        raise NotThere
    block = 1 << (case.hidden - 1).bit_length()
    launch = triton_kernel()[(case.rows,)]
    y = torch.empty_like(x)
    total = torch.empty_like(x) if case.residual else None
    results = (y, total) if case.residual else (y,)
    arguments = (x, tensors.residual, tensors.weight, tensors.bias, y, total, case.hidden, EPS)
    options = {"num_warps": min(max(block // 256, 1), 16)}

    def call():
        launch(*arguments, case.centred, case.residual, block, **options)
        return results

    return Run(call)


def liger(torch, tensors):
    """Its RMSNorm writes dx over dy unless told not to, which takes it a second sweep: so it gets
    dy anew before each call. Casting is that of its defaults."""
    case, x, weight, bias = tensors.case, tensors.x, tensors.weight, tensors.bias
    if case.residual:
        if case.centred:
            raise NotThere
        from liger_kernel.ops.fused_add_rms_norm import fused_add_rms_norm_forward

        return Run(
            lambda: fused_add_rms_norm_forward(x, tensors.residual, weight, EPS, 0.0, "llama")[:2]
        )
    if case.centred:
        from liger_kernel.ops.layer_norm import layer_norm_backward, layer_norm_forward

        if not case.backward:
            return Run(lambda: layer_norm_forward(x, weight, bias, EPS)[:1])
        _, _, mean, rstd, _, _ = layer_norm_forward(x, weight, bias, EPS)
        return Run(lambda: layer_norm_backward(tensors.dy, x, weight, bias, mean, rstd))
    from liger_kernel.ops.rms_norm import rms_norm_backward, rms_norm_forward

    if not case.backward:
        return Run(lambda: rms_norm_forward(x, weight, EPS, 0.0, "llama", None)[:1])
    dy = tensors.dy.clone()
    _, _, rstd, *settings = rms_norm_forward(x, weight, EPS, 0.0, "llama", None)
    block, warps, casting = settings
    return Run(
        lambda: rms_norm_backward(dy, x, weight, rstd, 0.0, casting, block, warps, True, None),
        lambda: dy.copy_(tensors.dy),
    )


@functools.cache
def cudnn_handle(cudnn):
    return cudnn.create_handle()


def cudnn(torch, tensors):
    """A graph of one norm, the first plan of cuDNN's heuristics."""
    import cudnn

    case = tensors.case
    if case.residual:
        raise NotThere
    io = {
        "f32": cudnn.data_type.FLOAT,
        "f16": cudnn.data_type.HALF,
        "bf16": cudnn.data_type.BFLOAT16,
    }[case.dtype]
    f32 = cudnn.data_type.FLOAT
    handle = cudnn_handle(cudnn)
    graph = cudnn.pygraph(
        io_data_type=io, intermediate_data_type=f32, compute_data_type=f32, handle=handle
    )
    memory = {}

    def tensor(name, value, rows, columns, dtype, **more):
        symbol = graph.tensor(
            name=name,
            dim=[rows, columns, 1, 1],
            stride=[columns, 1, columns, columns],
            data_type=dtype,
            **more,
        )
        memory[symbol] = value
        return symbol

    def result(symbol, like, dtype, shape=None):
        symbol.set_output(True).set_data_type(dtype)
        if shape is not None:
            symbol.set_dim(shape).set_stride([shape[1], 1, shape[1], shape[1]])
        memory[symbol] = torch.empty_like(like)
        return memory[symbol]

    rows, hidden = case.rows, case.hidden
    x = tensor("x", tensors.x, rows, hidden, io)
    weight = tensor("weight", tensors.weight, 1, hidden, io)
    if not case.backward:
        eps = torch.full((1, 1, 1, 1), EPS, dtype=torch.float32)
        options = {
            "name": "norm",
            "norm_forward_phase": cudnn.norm_forward_phase.INFERENCE,
            "input": x,
            "scale": weight,
            "epsilon": tensor("epsilon", eps, 1, 1, f32, is_pass_by_value=True),
        }
        if case.centred:
            y = graph.layernorm(**options, bias=tensor("bias", tensors.bias, 1, hidden, io))[0]
        else:
            y = graph.rmsnorm(**options)[0]
        results = (result(y, tensors.x, io),)
    else:
        mean, rstd = tensors.statistics
        options = {
            "name": "norm",
            "grad": tensor("dy", tensors.dy, rows, hidden, io),
            "input": x,
            "scale": weight,
            "inv_variance": tensor("rstd", rstd, rows, 1, f32),
        }
        if case.centred:
            symbols = graph.layernorm_backward(**options, mean=tensor("mean", mean, rows, 1, f32))
        else:
            symbols = graph.rmsnorm_backward(**options, has_dbias=False)[:2]
        likes = (tensors.x, tensors.weight, tensors.bias)
        results = tuple(result(symbol, like, io) for symbol, like in zip(symbols, likes))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    graph.check_support()
    graph.build_plans()
    workspace = torch.empty(max(graph.get_workspace_size(), 1), device=DEVICE, dtype=torch.uint8)

    def call():
        graph.execute(memory, workspace, handle=handle)
        return results

    return Run(call)


def quack_name(case):
    """Of its kernel in the library that gpu_quack.py makes; rows matter to the backward pass."""
    rows = f"_{1 << (case.rows - 1).bit_length()}" if case.backward else ""
    return f"{case.op}_{case.dtype}_{case.hidden}{rows}" + ("_residual" if case.residual else "")


@functools.cache
def quack_library():
    import tvm_ffi

    return tvm_ffi.load_module(str(pathlib.Path(__file__).parent / "wheels" / "quack.so"))


def quack(torch, tensors):
    """Calls the kernels as quack.rmsnorm does, which needs 90 MB of a compiler for more."""
    case, x, weight, bias = tensors.case, tensors.x, tensors.weight, tensors.bias
    kernel = quack_library()[quack_name(case)]
    out = torch.empty_like(x)
    if not case.backward:
        total = torch.empty_like(x) if case.residual else None
        results = (out, total) if case.residual else (out,)

        def call():
            kernel(x, weight, bias, tensors.residual, out, total, None, None, EPS)
            return results

        return Run(call)
    mean, rstd = tensors.statistics
    processors = torch.cuda.get_device_properties(0).multi_processor_count
    hidden = case.hidden  # the numbers are those of its _get_sm_count_hopper
    blocks = processors * next(
        (times for most, times in ((256, 16), (1024, 8), (2048, 4), (4096, 2)) if hidden <= most), 1
    )
    if hidden > 8192:
        blocks = processors // 2 if hidden <= 16384 else processors * 2
    partials = [
        torch.empty(blocks, hidden, device=DEVICE, dtype=torch.float32) if wanted else None
        for wanted in (True, case.centred)
    ]
    dweight, dbias = partials

    def call():
        kernel(x, weight, tensors.dy, None, rstd, mean, out, dweight, None, dbias, blocks)
        return out, *(part.sum(0).to(x.dtype) for part in partials if part is not None)

    return Run(call)


PEERS = {
    "eager": eager,
    "compile": compiled,
    "compile+": compiled_longer,
    "triton": triton,
    "liger": liger,
    "cudnn": cudnn,
    "quack": quack,
}
