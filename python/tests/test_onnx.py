# SPDX-License-Identifier: MIT
"""The custom ops of ONNX Runtime, by ONNX's own tests of the norms and beside ONNX Runtime's
kernels, and what is refused or left alone."""

import ctypes
import os
import pathlib
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest

from reference import forward

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper

import norma.onnx

FLOAT, FLOAT16, BFLOAT16 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16
NUMPY = {FLOAT: np.float32, FLOAT16: np.float16, TensorProto.DOUBLE: np.float64}
HIDDEN = 192
OPSETS = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
SKIPS = ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"]


def node_tests():
    with warnings.catch_warnings(action="ignore"):  # of other ops' tests
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    norms = ("LayerNormalization", "RMSNormalization")
    return [case for case in cases if case.model.graph.node[0].op_type in norms]


def model_of(op, inputs, outputs, element=FLOAT, domain="", shapes=None, **attributes):
    """A model of one node, whose inputs and outputs have the types of the node's operands."""
    node = helper.make_node(op, inputs, outputs, name="norm", domain=domain, **attributes)
    shapes = {"x": ["a", "b", HIDDEN], "skip": ["c", "b", HIDDEN], "w": [HIDDEN], "b": [HIDDEN]} | (
        shapes or {}
    )
    statistic = {"mean": FLOAT, "rstd": FLOAT}
    given = [helper.make_tensor_value_info(n, element, shapes[n]) for n in inputs if n]
    made = [helper.make_tensor_value_info(n, statistic.get(n, element), None) for n in outputs if n]
    graph = helper.make_graph([node], "g", given, made)
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=10)


def session(model, threads=1, library=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.register_custom_ops_library(library or norma.onnx.library_path())
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def rewritten(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    (outcome,) = norma.onnx.rewrite(copy)
    assert not outcome.left_alone
    assert copy.graph.node[0].domain == "norma"
    return copy


def arrays(element, *shapes):
    random = np.random.default_rng(1)
    return [random.standard_normal(shape).astype(NUMPY[element]) for shape in shapes]


@pytest.mark.parametrize("case", node_tests(), ids=lambda case: case.name)
def test_of_onnx(case):
    runs = session(rewritten(case.model))
    for inputs, outputs in case.data_sets:
        found = runs.run(None, dict(zip([i.name for i in runs.get_inputs()], inputs, strict=True)))
        for mine, expected in zip(found, outputs, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=case.rtol, atol=1e-6)
            assert mine.shape == expected.shape and mine.dtype == expected.dtype


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("element", [FLOAT, FLOAT16], ids=["f32", "f16"])
@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize("op", SKIPS)
def test_beside_onnx_runtime(op, element, threads, sums):
    bias = ["b"] if op == SKIPS[0] else []
    model = model_of(
        op,
        ["x", "skip", "w", *bias],
        ["y", *["", "", "sum"][: 3 * sums]],
        element,
        "com.microsoft",
        epsilon=1e-5,
    )
    theirs, mine = session(model, threads), session(rewritten(model), threads)
    for rows in ((2, 3), (1, 1), (2, 3), (3, 200)):  # a session takes any number, one after another
        for outer in (1, rows[0]):  # a skip may be the same for all of them
            x, skip, w, b = arrays(
                element, (*rows, HIDDEN), (outer, rows[1], HIDDEN), HIDDEN, HIDDEN
            )
            given = {"x": x, "skip": skip, "w": w} | ({"b": b} if bias else {})
            for ours, other in zip(mine.run(None, given), theirs.run(None, given), strict=True):
                assert ours.dtype == other.dtype
                np.testing.assert_allclose(
                    ours, other, rtol=4e-3, atol=1e-2 if element == FLOAT16 else 2e-6
                )


def test_bfloat16():
    runs = session(rewritten(model_of("RMSNormalization", ["x", "w"], ["y"], BFLOAT16)))
    x, w = (a.astype(ml_dtypes.bfloat16) for a in arrays(FLOAT, (2, 3, HIDDEN), HIDDEN))
    value = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type
    given = {n: value(a.view(np.uint16), BFLOAT16) for n, a in {"x": x, "w": w}.items()}
    binding = runs.io_binding()
    for name, tensor in given.items():
        binding.bind_ortvalue_input(name, tensor)
    y = value(np.zeros(x.shape, np.uint16), BFLOAT16)
    binding.bind_ortvalue_output("y", y)
    runs.run_with_iobinding(binding)
    found = np.frombuffer(bytes_of(y), ml_dtypes.bfloat16).reshape(x.shape).astype(np.float64)
    expected = forward("rms_norm", x, w).y
    assert np.abs(found - expected).max() <= 8e-3 * np.abs(expected).max()


def bytes_of(value):
    return ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())


def test_many_threads_run_a_session():
    model = model_of("LayerNormalization", ["x", "w", "b"], ["y", "mean", "rstd"])
    runs = session(rewritten(model), threads=2)
    w, b = arrays(FLOAT, HIDDEN, HIDDEN)

    def run(rows):
        (x,) = arrays(FLOAT, (rows, 100, HIDDEN))
        y, mean, rstd = runs.run(None, {"x": x, "w": w, "b": b})
        expected = forward("layer_norm", x, w, b)
        np.testing.assert_allclose(y, expected.y, atol=1e-5)
        np.testing.assert_allclose(mean[..., 0], expected.mean, atol=1e-6)
        np.testing.assert_allclose(rstd[..., 0], expected.rstd, rtol=1e-5)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, [1, 2, 3, 4] * 5))


def test_empty():
    runs = session(rewritten(model_of("RMSNormalization", ["x", "w"], ["y"])))
    x, w = np.zeros((0, 3, HIDDEN), np.float32), np.ones(HIDDEN, np.float32)
    assert runs.run(None, {"x": x, "w": w})[0].shape == x.shape


def test_library_without_python():
    """The same ops in the library that CMake builds, for programs in C++."""
    library = pathlib.Path(os.environ.get("NORMA_ONNXRUNTIME", ""))
    if not library.is_file():
        pytest.skip("NORMA_ONNXRUNTIME names no library")
    model = rewritten(model_of("LayerNormalization", ["x", "w", "b"], ["y"]))
    x, w, b = arrays(FLOAT, (2, 3, HIDDEN), HIDDEN, HIDDEN)
    (y,) = session(model, library=str(library)).run(None, {"x": x, "w": w, "b": b})
    np.testing.assert_allclose(y, forward("layer_norm", x, w, b).y, atol=2e-6)


REFUSED = {
    "input 1 has 7 elements; expected 192": {"w": 7},
    r"input 1 has 384 elements; expected 1152 as input 0": {"skip": (1, 2, HIDDEN)},
    r"input 1 has 300 elements": {"skip": (1, 1, 300)},
}


@pytest.mark.parametrize("message", REFUSED)
def test_refusal(message):
    wrong = REFUSED[message]
    op = SKIPS[1] if "skip" in wrong else "RMSNormalization"
    inputs = ["x", "skip", "w"] if "skip" in wrong else ["x", "w"]
    free = {name: [None] * np.ndim(np.empty(shape)) for name, shape in wrong.items()}
    model = model_of(op, inputs, ["y"], domain="norma", shapes=free)
    model.opset_import.append(helper.make_opsetid("norma", 1))
    shapes = {"x": (2, 3, HIDDEN), "skip": (2, 3, HIDDEN), "w": HIDDEN} | wrong
    given = {name: np.ones(shapes[name], np.float32) for name in inputs}
    with pytest.raises(Exception, match=message):
        session(model).run(None, given)


def test_axis_is_refused():
    model = model_of("RMSNormalization", ["x", "w"], ["y"], domain="norma", axis=3)
    model.opset_import.append(helper.make_opsetid("norma", 1))
    given = dict(zip("xw", arrays(FLOAT, (2, 3, HIDDEN), HIDDEN), strict=True))
    with pytest.raises(Exception, match="axis is 3; expected one of the 3 dimensions of input 0"):
        session(model).run(None, given)


LEFT_ALONE = {
    "its inputs are of DOUBLE": model_of(
        "LayerNormalization", ["x", "w"], ["y"], TensorProto.DOUBLE, stash_type=1
    ),
    "its stash_type is not float": model_of(
        "RMSNormalization", ["x", "w"], ["y"], FLOAT16, stash_type=FLOAT16
    ),
    "only one of the statistics is an output": model_of(
        "LayerNormalization", ["x", "w"], ["y", "mean"]
    ),
    "it has an input 4, b": model_of(
        SKIPS[0], ["x", "skip", "w", "", "b"], ["y"], domain="com.microsoft"
    ),
    "mean is an output": model_of(
        SKIPS[1], ["x", "skip", "w"], ["y", "mean"], domain="com.microsoft"
    ),
    "its scale has 7 elements, not 192": model_of(
        "RMSNormalization", ["x", "w"], ["y"], shapes={"w": [7]}
    ),
}


@pytest.mark.parametrize("reason", LEFT_ALONE)
def test_left_alone(reason):
    before = LEFT_ALONE[reason].SerializeToString()
    (outcome,) = norma.onnx.rewrite(LEFT_ALONE[reason])
    assert outcome.left_alone == reason
    assert LEFT_ALONE[reason].SerializeToString() == before


def test_mixed_types_are_left_alone():
    model = model_of("RMSNormalization", ["x", "w"], ["y"], FLOAT16)
    model.graph.input[1].type.tensor_type.elem_type = FLOAT
    (outcome,) = norma.onnx.rewrite(model)
    assert outcome.left_alone == "its inputs are of FLOAT and FLOAT16"


def test_what_the_library_lacks_is_left_alone(monkeypatch):
    def refuse(*_, **__):
        raise norma.NotInLibraryError("no such kernel")

    monkeypatch.setattr(norma.onnx._norma, "Plan", refuse)
    (outcome,) = norma.onnx.rewrite(model_of("RMSNormalization", ["x", "w"], ["y"]))
    assert outcome.left_alone == "no such kernel"


def test_subgraphs():
    inner = model_of("RMSNormalization", ["x", "w"], ["y"]).graph
    del inner.input[:]
    choice = helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)
    outer = model_of("RMSNormalization", ["x", "w"], ["y"]).graph
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    result = helper.make_tensor_value_info("z", FLOAT, None)
    graph = helper.make_graph([choice], "g", [*outer.input, condition], [result])
    model = helper.make_model(graph, opset_imports=OPSETS, ir_version=10)
    assert [outcome.left_alone for outcome in norma.onnx.rewrite(model)] == ["", ""]
    x, w = arrays(FLOAT, (2, 3, HIDDEN), HIDDEN)
    (z,) = session(model).run(None, {"x": x, "w": w, "c": np.array(True)})
    np.testing.assert_allclose(z, forward("rms_norm", x, w).y, atol=2e-6)


def command(*arguments):
    run = [sys.executable, "-m", "norma.onnx", *map(str, arguments)]
    return subprocess.run(run, check=False, capture_output=True, text=True)


def test_command(tmp_path):
    model = model_of("RMSNormalization", ["x", "w"], ["y"])
    model.graph.node.append(
        helper.make_node("RMSNormalization", ["x", "w"], ["z"], name="odd", stash_type=FLOAT16)
    )
    onnx.save(model, tmp_path / "model.onnx")
    ran = command(tmp_path / "model.onnx", tmp_path / "out.onnx")
    assert ran.returncode == 0 and ran.stdout == (
        "1 of RMSNormalization: Norma's now\n"
        "odd, RMSNormalization: left alone, as its stash_type is not float\n"
    )
    assert onnx.load(tmp_path / "out.onnx").graph.node[0].domain == "norma"


def test_tensors_in_other_files(tmp_path):
    model = model_of("RMSNormalization", ["x", "w"], ["y"])
    del model.graph.input[1:]
    (w,) = arrays(FLOAT, HIDDEN)
    model.graph.initializer.append(onnx.numpy_helper.from_array(w, "w"))
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, size_threshold=0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ran = command(tmp_path / "model.onnx", elsewhere / "out.onnx")
    assert ran.returncode == 1 and "in the same folder" in ran.stderr
    assert not any(elsewhere.iterdir())
    assert command(tmp_path / "model.onnx", tmp_path / "out.onnx").returncode == 0
    np.testing.assert_array_equal(
        onnx.numpy_helper.to_array(onnx.load(tmp_path / "out.onnx").graph.initializer[0]), w
    )


@pytest.mark.parametrize("text", [None, "no model"])
def test_no_model(tmp_path, text):
    path = tmp_path / "none.onnx"
    if text:
        path.write_text(text)
    ran = command(path, tmp_path / "out.onnx")
    assert ran.returncode == 1 and "none.onnx" in ran.stderr and "Traceback" not in ran.stderr
    assert not (tmp_path / "out.onnx").exists()
