# SPDX-License-Identifier: MIT
"""Plots of a file of results as SVG, legible on light and dark pages."""

import io
import json
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .tables import DIRECTIONS, Content, best_copy, of, select, title

# Of each line its colour, in between light and dark, and its marker.
STYLES = {
    "Norma": ("#e8590c", "o"),
    "hand-written": ("#868e96", "_"),
    "gcc -ffast-math": ("#868e96", "x"),
    "oneDNN": ("#1c7ed6", "s"),
    "ONNX Runtime": ("#37b24d", "^"),
    "OpenVINO": ("#a07855", "v"),
    "ggml": ("#f08c00", "p"),
    "PyTorch": ("#d6336c", "D"),
    "torch.compile": ("#9775fa", "P"),
    "JAX": ("#0c8599", "*"),
    "Triton": ("#1c7ed6", "s"),
    "Liger-Kernel": ("#37b24d", "^"),
    "cuDNN": ("#a07855", "v"),
    "QuACK": ("#0c8599", "*"),
}
INK = "#010203"  # stands for the page's own colour of text
THEME = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#d1d7e0}}</style>"
SETTINGS = {
    "svg.hashsalt": "norma",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "legend.frameon": False,
} | dict.fromkeys(
    (
        "text.color",
        "axes.edgecolor",
        "axes.labelcolor",
        "axes.titlecolor",
        "xtick.color",
        "ytick.color",
    ),
    INK,
)


def shape(result: dict) -> str:
    return f"{result['rows']}x{result['hidden']}"


def by_op(
    figure: Figure, ops: tuple[str, ...] = ("layer_norm", "rms_norm"), **shared: bool
) -> Iterator[tuple[Axes, str]]:
    """A plot for each op, with its title."""
    for axes, op in zip(figure.subplots(1, 2, **shared), ops, strict=True):
        axes.set_title(title(op))
        yield axes, op


def over_copy(content: Content, direction: str, x: str, heading: str) -> Figure:
    """Time over that of a copy, by shape."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    for axes, op in by_op(figure, DIRECTIONS[direction][0], sharey=True):
        results = select(content, op=op, x=x, scale="none", threads=1)
        for name, (colour, marker) in STYLES.items():
            points = [(i, of(each, name), best_copy(each)) for i, each in enumerate(results)]
            points = [(i, time / copy) for i, time, copy in points if time is not None]
            if points:
                ours = name == "Norma"
                axes.plot(
                    *zip(*points, strict=True),
                    color=colour,
                    marker=marker,
                    label=name,
                    linewidth=2.5 if ours else 1,
                    markersize=6,
                    zorder=3 if ours else 2,
                )
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        axes.set_xticks(
            range(len(results)), [shape(each) for each in results], rotation=45, ha="right"
        )
        logarithmic(axes.set_yscale, axes.yaxis)
        axes.grid(axis="y", color="#868e96", alpha=0.25)
    figure.axes[0].set_ylabel("time / time of a copy (less is better)")
    below(figure)
    figure.suptitle(heading)
    return figure


def forward(content: Content) -> Figure:
    return over_copy(content, "forward", "f32", "Forward, f32, one thread")


def gpu_forward(content: Content) -> Figure:
    return over_copy(content, "forward", "bf16", f"Forward, bf16, {content['machine']['gpu']}")


def gpu_backward(content: Content) -> Figure:
    return over_copy(content, "backward", "bf16", f"Backward, bf16, {content['machine']['gpu']}")


def types(content: Content) -> Figure:
    """How many times faster Norma is, by type: geometric mean over the shapes."""
    names = [name for name in content["peers"] if name in STYLES]
    names = [name for name in names if name not in ("Norma", "hand-written")]
    dtypes = ("f32", "bf16", "f16")
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, op in by_op(figure, sharey=True):
        for place, name in enumerate(names):
            for group, x in enumerate(dtypes):
                pairs = [
                    (of(each, name), of(each, "Norma"))
                    for each in select(content, op=op, x=x, scale="none", threads=1)
                ]
                ratios = [theirs / ours for theirs, ours in pairs if theirs]
                if ratios:
                    axes.bar(
                        group + (place - len(names) / 2 + 0.5) * 0.11,
                        statistics.geometric_mean(ratios),
                        0.1,
                        color=STYLES[name][0],
                        label=name if group == 0 else None,
                    )
        axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(dtypes)), dtypes)
        logarithmic(axes.set_yscale, axes.yaxis)
    figure.axes[0].set_ylabel("peer's time / Norma's")
    below(figure)
    figure.suptitle("Forward by type, one thread, mean over shapes (1: as fast as Norma)")
    return figure


def one_row(content: Content) -> Figure:
    """How long one row takes, with the call."""
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    for axes, op in by_op(figure, sharex=True):
        result = select(content, op=op, x="f32", scale="none", threads=1, rows=1, hidden=4096)[0]
        times = sorted(
            ((of(result, name), name) for name in STYLES if of(result, name)), reverse=True
        )
        axes.barh(
            [name for _, name in times],
            [time / 1e3 for time, _ in times],
            color=[STYLES[name][0] for _, name in times],
        )
        logarithmic(axes.set_xscale, axes.xaxis)
        axes.set_xlabel("microseconds (less is better)")
    figure.suptitle("One row of 4096 f32, the call included")
    return figure


def accuracy(content: Content) -> Figure:
    """The error of f32 results beside their time."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, op in by_op(figure, sharey=True):
        result = select(content, op=op, x="f32", scale="none", threads=1, rows=512, hidden=4096)[0]
        for name, (colour, marker) in STYLES.items():
            time = result["times"].get(name)
            if time and time["error"] is not None:
                axes.plot(
                    time["ns"] / best_copy(result),
                    time["error"],
                    marker=marker,
                    color=colour,
                    linestyle="",
                    label=name,
                    markersize=8,
                )
        axes.set_xlabel("time / time of a copy")
        axes.grid(color="#868e96", alpha=0.25)
    figure.axes[0].set_ylabel("largest error, ULP")
    figure.axes[0].set_ylim(bottom=0)
    below(figure)
    figure.suptitle("Accuracy beside speed, f32, 512x4096 (lower left is better)")
    return figure


def logarithmic(set_scale: Callable[..., None], axis: "matplotlib.axis.Axis") -> None:
    set_scale("log")
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")


def below(figure: Figure) -> None:
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=(len(handles) + 1) // 2
    )


CPU_PLOTS = {"forward": forward, "types": types, "one_row": one_row, "accuracy": accuracy}
GPU_PLOTS = {"forward": gpu_forward, "backward": gpu_backward}


def svg(figure: Figure, origin: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().replace(INK, "currentColor")
    text = re.sub(r"(<svg [^>]*>)", rf"\1\n <!-- {origin} -->\n {THEME}", text, count=1)
    return re.sub(r"[ \t]+\n", "\n", text)


def write(results: Path, folder: Path, origin: str) -> None:
    content = json.loads(results.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(SETTINGS):
        plots = GPU_PLOTS if "gpu" in content["machine"] else CPU_PLOTS
        for name, plot in plots.items():
            (folder / f"{name}.svg").write_text(svg(plot(content), origin), encoding="utf-8")
