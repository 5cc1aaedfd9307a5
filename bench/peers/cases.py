# SPDX-License-Identifier: MIT
"""What is timed: one norm of one shape on so many threads."""

from dataclasses import asdict, dataclass

EPS = 1e-5
TENSOR_SCALE = 1 / 24  # of a quantized y that is given its scale


@dataclass(frozen=True)
class Case:
    op: str  # as `norma bench --op`
    x: str
    y: str  # dy in a backward
    scale: str  # of an int8 y: "row" is found, "tensor" given
    rows: int
    hidden: int
    threads: int

    @property
    def centred(self) -> bool:
        return self.op.startswith("layer_norm")

    @property
    def backward(self) -> bool:
        return self.op.endswith("_backward")

    @property
    def quantized(self) -> bool:
        return self.scale != "none"

    @property
    def bytes(self) -> int:
        """Activations read and written: x and y, or x, dy and dx."""
        elements = self.rows * self.hidden
        of_x, of_y = SIZES[self.x], SIZES[self.y]
        return elements * (2 * of_x + of_y if self.backward else of_x + of_y)

    @property
    def dtype(self) -> str:
        return f"{self.x}:{self.y} by {self.scale}" if self.quantized else self.x

    def __str__(self) -> str:
        return f"{self.op} {self.dtype} {self.rows}x{self.hidden}, {self.threads} threads"


SIZES = {"f32": 4, "f16": 2, "bf16": 2, "i8": 1}

FORWARD = ((1, 768), (1, 4096), (32, 768), (512, 768), (512, 4096), (65536, 128), (4096, 4096))
LARGEST = (8192, 8192)  # of f32 alone: slow peers take seconds a call
BACKWARD = ((512, 768), (4096, 1024), (4096, 4096), (65536, 128))
QUANTIZED = (("rms_norm", "bf16", "row"), ("layer_norm", "f32", "tensor"))
QUANTIZED_SHAPES = ((1, 4096), (512, 4096), (4096, 4096))
QUICK = ((1, 4096), (32, 768), (512, 4096))
PARALLEL = ((512, 4096), (65536, 128), (4096, 4096))  # worth more than one thread


def cases(threads: int, quick: bool) -> list[Case]:
    """The table for so many threads; the shapes of --quick are among those of the whole table."""
    wanted = QUICK if quick else PARALLEL if threads > 1 else None
    result = []

    def add(op: str, x: str, y: str, scale: str, shapes: tuple[tuple[int, int], ...]) -> None:
        for rows, hidden in shapes:
            if wanted is None or (rows, hidden) in wanted:
                result.append(Case(op, x, y, scale, rows, hidden, threads))

    for x in ("f32", "bf16", "f16"):
        for op in ("layer_norm", "rms_norm"):
            add(op, x, x, "none", FORWARD + ((LARGEST,) if x == "f32" else ()))
    for x in ("f32", "bf16"):
        for op in ("layer_norm_backward", "rms_norm_backward"):
            add(op, x, x, "none", BACKWARD)
    for op, x, scale in QUANTIZED:
        add(op, x, "i8", scale, QUANTIZED_SHAPES)
    return result


def to_json(case: Case) -> dict[str, str | int]:
    return asdict(case)
