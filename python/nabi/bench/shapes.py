# SPDX-License-Identifier: Apache-2.0
"""The rows: what is timed, at which sizes, and what is expected of it.

A new row is a line here; a new kind of work is a function in ``workloads`` (and, for numpy, in ``bench/numpy_peer.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: ``group/label``; what the user types to choose it.
        what: what is done, for a reader who has never seen this project.
        kind: "time" is timed in the workers; "peak" and "bandwidth" are measured by nabi's; "import", "size" and
            "install" by the bench itself.
        workload: the function in ``workloads`` that prepares it.
        options: that function's keyword arguments, plain data.
        flops: floating-point operations of one call.
        targets: {peer: the largest ratio of nabi's time to the peer's}.
        speeds: {rival: the least ratio of nabi's speed to the rival's}. A rival is a peer, "peak" (what registers
            reach, measured in nabi's process in every round) or "1-thread" (nabi with one thread).
        isa: nabi's instruction set for this row, in a process of its own unless it is the one that runs anyway.
        threads: likewise; a row for which nabi has too few is skipped.
        alone: peers are not asked.
        limit: the largest value itself, in the row's unit.
        asked: runs only when it is named.
    """

    name: str
    what: str
    kind: str = "time"
    workload: str = ""
    options: dict = field(default_factory=dict)
    flops: int = 0
    targets: dict = field(default_factory=dict)
    speeds: dict = field(default_factory=dict)
    isa: str = ""
    threads: int | None = None
    alone: bool = False
    limit: float | None = None
    asked: bool = False

    @property
    def group(self) -> str:
        return self.name.split("/")[0]

    @property
    def label(self) -> str:
        return self.name.split("/")[1]


# What the heading of each group says.
GROUPS = {
    "machine": "what this machine can do at most, measured by nabi's process",
    "overhead": "one small operation on 16 x 32 floats, recorded for backward",
    "math": "a function of 8192 floats from 0 to 6, in cache and on one thread; pow to the power of 2.5",
    "gemm": "a @ b, rows x columns x summed, float32; -kernel: its call alone; -avx2: with NABI_ISA=avx2",
    "gemm-layers": "forward x @ weight.T (batch x outputs x inputs) and both gradients, as strided views, through @",
    "linear": "input @ weight.T + bias, batch x inputs x outputs, float32; the other columns compute the same",
    "linear-training": "the same forward and backward, with gradients for input, weight and bias",
    "training": "one step: zero_grad, forward, loss, backward, optimizer step",
    "epoch": "one epoch: a shuffling DataLoader around that step, and loss.item()",
    "package": "what it costs to have it and to import it",
}

# The geometric mean over these is a row of its own, with a target of its own.
MEANS = {"overhead": ("torch", 0.6), "gemm-layers": ("numpy", 1.0)}

_SMALL = {
    "add": "a + b",
    "mul": "a * 1.5",
    "relu": "relu(a)",
    "sum": "a.sum()",
    "view": "a.view(512)",
    "index": "a[1]",
    "linear": "linear(a, weight 32 x 32, bias)",
    "cross-entropy": "cross_entropy(logits 16 x 10, labels)",
}

# Small enough to be all overhead; the layers of the demo; square ones up to large; one sample; thin and wide ones.
_LINEAR = [
    (64, 64, 64),
    (64, 784, 256),
    (64, 784, 512),
    (1, 1024, 1024),
    (128, 3136, 256),
    (2048, 384, 384),
    (4096, 64, 64),
    (512, 512, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
]
_LINEAR_TRAINING = [(64, 64, 64), (64, 784, 256), (64, 784, 512), (512, 512, 512), (1024, 1024, 1024)]


def _linear_rows():
    for training, shapes in ((False, _LINEAR), (True, _LINEAR_TRAINING)):
        for batch, inputs, outputs in shapes:
            yield Row(
                f"linear{'-training' if training else ''}/{batch}x{inputs}x{outputs}",
                f"({batch}, {inputs}) @ ({outputs}, {inputs}).T + ({outputs},)",
                workload="linear",
                options={"batch": batch, "inputs": inputs, "outputs": outputs, "training": training},
                flops=2 * batch * inputs * outputs * (3 if training else 1),
            )


# As a script's layers are, batch x outputs x inputs.
_LAYERS = [
    (64, 512, 784),
    (128, 256, 3136),
    (32, 4096, 1024),
    (784, 512, 64),
    (2048, 384, 384),
    (1024, 1536, 384),
]


def _matmul(name: str, what: str, m: int, n: int, k: int, options: dict, **more) -> Row:
    options = {"m": m, "n": n, "k": k, **options}
    return Row(name, what, workload="matmul", options=options, flops=2 * m * n * k, **more)


def _gemm(m: int, n: int, k: int, suffix: str = "", options: dict | None = None, **more) -> Row:
    what = f"({m}, {k}) @ ({k}, {n})"
    return _matmul(f"gemm/{m}x{n}x{k}{suffix}", what, m, n, k, options or {}, **more)


def _gemm_rows():
    for size, least in ((512, 0.85), (1024, 0.90), (2048, 0.90)):
        yield _gemm(size, size, size, speeds={"peak": least, "numpy": 0.97})
    for size, least in ((512, 0.83), (1024, 0.88), (2048, 0.88)):
        yield _gemm(size, size, size, "-avx2", isa="avx2", alone=True, speeds={"peak": least})
    for shape in ((64, 64, 64), (64, 10, 512)):
        yield _gemm(*shape, "-kernel", {"kernel": True}, speeds={"numpy": 1.0})
        yield _gemm(*shape, speeds={"numpy": 0.8})
    yield _gemm(1, 1024, 1024, speeds={"numpy": 1.5})
    cube = (1024, 1024, 1024)
    yield _gemm(*cube, "-float64", {"dtype": "float64"}, speeds={"peak": 0.88})
    yield _gemm(*cube, "-2-threads", threads=2, alone=True, speeds={"1-thread": 1.9})


def _layer_rows():
    for batch, outputs, inputs in _LAYERS:
        x, weight, grad = f"({batch}, {inputs})", f"({outputs}, {inputs})", f"({batch}, {outputs})"
        for product, what, sizes, transposed in (
            ("forward", f"{x} @ {weight}.T", (batch, outputs, inputs), "b"),
            ("input-gradient", f"{grad} @ {weight}", (batch, inputs, outputs), ""),
            ("weight-gradient", f"{grad}.T @ {x}", (outputs, inputs, batch), "a"),
        ):
            name = f"gemm-layers/{batch}x{outputs}x{inputs}-{product}"
            yield _matmul(name, what, *sizes, {"transposed": transposed}, speeds={"numpy": 0.85})


_TABULAR = {
    "sizes": [8, 32, 32, 1],
    "batch": 16,
    "loss": "bce",
    "lr": 0.1,
    "momentum": 0.9,
    "dropout": 0.0,
}
_FASHION = {
    "sizes": [784, 256, 128, 10],
    "batch": 64,
    "loss": "cross-entropy",
    "lr": 0.05,
    "momentum": 0.9,
    "dropout": 0.2,
}
_DIGITS = {
    "sizes": [64, 64, 32, 10],
    "batch": 32,
    "loss": "cross-entropy",
    "lr": 0.05,
    "momentum": 0.9,
    "dropout": 0.1,
}

ROWS = [
    Row("machine/peak", "fused multiply-adds in registers, float32, all threads", "peak"),
    Row("machine/peak-1-thread", "the same on one thread", "peak", options={"threads": 1}),
    Row("machine/peak-float64", "the same in float64, all threads", "peak", options={"double": True}),
    Row("machine/bandwidth", "the better of copy and triad, out of cache, all threads", "bandwidth"),
    Row("machine/bandwidth-1MB", "the same over 1 MB", "bandwidth", options={"bytes": 1 << 20}),
    *(
        Row(f"overhead/{op}", what, workload="overhead", options={"op": op}, targets={"torch": 0.8})
        for op, what in _SMALL.items()
    ),
    *(
        Row(f"math/{op}", f"{op}(a)", workload="math", options={"op": op})
        for op in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "sin", "cos", "pow")
    ),
    *_gemm_rows(),
    *_layer_rows(),
    *_linear_rows(),
    Row(
        "training/mlp-8-32-32-1",
        "8-32-32-1, ReLU, sigmoid, BCELoss, SGD with momentum, batch 16",
        workload="training",
        options=_TABULAR,
        targets={"torch": 0.4},
    ),
    Row(
        "training/demo-fashion",
        "the demo's network for Fashion-MNIST: 784-256-128-10, ReLU, dropout 0.2, batch 64",
        workload="training",
        options=_FASHION,
    ),
    Row(
        "training/demo-digits",
        "the demo's network for the digits: 64-64-32-10, ReLU, dropout 0.1, batch 32",
        workload="training",
        options=_DIGITS,
    ),
    Row(
        "epoch/demo-digits",
        "1,437 samples of 64 floats in batches of 32",
        workload="epoch",
        options={**_DIGITS, "samples": 1437},
    ),
    Row("package/import", "the import statement in a fresh process", "import", targets={"numpy": 1.3}),
    Row("package/size", "the installed files", "size", limit=8.0),
    Row(
        "package/pip-install", "pip install . from a copy of the checkout", "install", limit=180.0, asked=True
    ),
]


class UnknownRow(ValueError):
    """A name that chooses no row; the message lists the known ones."""


def choose(names: list[str], rows: list[Row] | None = None) -> list[Row]:
    """The rows that the names choose, in the table's order; every row that need not be asked for if there are none.

    A name is a row's ("linear/64x64x64"), a group's ("linear"), or a pattern ("linear*/64*").

    Raises:
        UnknownRow: a name that fits nothing.

    Example:
        >>> from nabi.bench.shapes import choose
        >>> [row.name for row in choose(["training/mlp*", "package/size"])]
        ['training/mlp-8-32-32-1', 'package/size']
    """
    from fnmatch import fnmatchcase

    rows = ROWS if rows is None else rows
    if not names:
        return [row for row in rows if not row.asked]
    chosen: set[str] = set()
    for name in names:
        exact = {row.name for row in rows if row.name == name}
        fitting = exact or {
            row.name for row in rows if not row.asked and (row.group == name or fnmatchcase(row.name, name))
        }
        if not fitting:
            raise UnknownRow(_unknown(name, rows))
        chosen |= fitting
    return [row for row in rows if row.name in chosen]


def _unknown(name: str, rows: list[Row]) -> str:
    import difflib

    known = [row.name for row in rows]
    groups = list(dict.fromkeys(row.group for row in rows))
    close = difflib.get_close_matches(name, known + groups + [row.label for row in rows], n=1)
    lines = [f"nabi bench: expected the name of a row or group, got {name!r}"]
    if close:
        lines[0] += f"; did you mean {close[0]!r}?"
    lines.append("groups: " + ", ".join(groups))
    lines.append("rows:   " + ", ".join(known))
    return "\n".join(lines)


def listing(rows: list[Row] | None = None) -> str:
    """Every row with what it does, for ``nabi bench --list``."""
    rows = ROWS if rows is None else rows
    width = max(len(row.name) for row in rows)
    lines, group = [], None
    for row in rows:
        if row.group != group:
            group = row.group
            lines += ["", f"{group}: {GROUPS[group]}"] if lines else [f"{group}: {GROUPS[group]}"]
        asked = " (only when named)" if row.asked else ""
        lines.append(f"  {row.name:{width}}  {row.what}{asked}")
    return "\n".join(lines)
