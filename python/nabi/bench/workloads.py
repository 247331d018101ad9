# SPDX-License-Identifier: Apache-2.0
"""What is timed, written once for nabi and PyTorch: ``torch`` is either of them, so both run the same lines.

Peers' scripts import this file by its plain name, without nabi. A function takes the module and the row's options and
returns a callable without arguments; whatever can be prepared is prepared outside it.
"""

from __future__ import annotations

import operator
from functools import partial

import numpy as np


def prepare(torch, workload: str, options: dict):
    """The callable of one row, or None where there is no such work."""
    known = {
        "overhead": overhead,
        "math": math,
        "matmul": matmul,
        "linear": linear,
        "training": training,
        "epoch": epoch,
    }
    return known[workload](torch, **options) if workload in known else None


def _floats(torch, *shape: int, grad: bool = False):
    # One seed for every library: the same numbers everywhere, from -1 to 1.
    values = np.random.default_rng(sum(shape)).random(shape, dtype=np.float32) * 2 - 1
    tensor = torch.from_numpy(values)
    return tensor.requires_grad_() if grad else tensor


def _matrix(torch, rows: int, columns: int, transposed: bool, dtype: str):
    x = _floats(torch, *((columns, rows) if transposed else (rows, columns))).to(getattr(torch, dtype))
    return x.t() if transposed else x


def _labels(torch, count: int, classes: int):
    return torch.from_numpy(np.random.default_rng(count).integers(0, classes, count))


def overhead(torch, op: str):
    """One small operation with a gradient to come; functions of C, so that no frame of ours is in the time."""
    functional = torch.nn.functional
    a, b = _floats(torch, 16, 32, grad=True), _floats(torch, 16, 32, grad=True)
    weight, bias = _floats(torch, 32, 32, grad=True), _floats(torch, 32, grad=True)
    logits, labels = _floats(torch, 16, 10, grad=True), _labels(torch, 16, 10)
    return {
        "add": partial(operator.add, a, b),
        "mul": partial(operator.mul, a, 1.5),
        "relu": partial(torch.relu, a),
        "sum": a.sum,
        "view": partial(a.view, 512),
        "index": partial(operator.getitem, a, 1),
        "linear": partial(functional.linear, a, weight, bias),
        "cross-entropy": partial(functional.cross_entropy, logits, labels),
    }[op]


def math(torch, op: str):
    """A function of one element; sizes too small for a second thread to pay."""
    x = torch.abs(_floats(torch, 8192)) * 6 + 1e-3
    return partial(torch.pow, x, 2.5) if op == "pow" else partial(getattr(torch, op), x)


def matmul(torch, m: int, n: int, k: int, transposed: str = "", dtype: str = "float32", kernel: bool = False):
    """a @ b of leaves that want no gradient; ``transposed`` names the operand that is a transposed view.

    With ``kernel`` nabi's kernel by itself, on arrays: PyTorch has no such call.
    """
    if kernel and torch.__name__ != "nabi":
        return None
    a = _matrix(torch, m, k, "a" in transposed, dtype)
    b = _matrix(torch, k, n, "b" in transposed, dtype)
    return partial(torch._C.matmul, a.numpy(), b.numpy(), 1.0) if kernel else partial(operator.matmul, a, b)


def linear(torch, batch: int, inputs: int, outputs: int, training: bool):
    """F.linear; with ``training`` its backward, too."""
    functional = torch.nn.functional
    x = _floats(torch, batch, inputs, grad=training)
    weight = _floats(torch, outputs, inputs, grad=training)
    bias = _floats(torch, outputs, grad=training)
    if not training:
        return partial(functional.linear, x, weight, bias)
    grad = _floats(torch, batch, outputs)

    def step():
        x.grad = weight.grad = bias.grad = None
        functional.linear(x, weight, bias).backward(grad)

    return step


def _network(torch, sizes: list[int], loss: str, dropout: float, lr: float, momentum: float):
    nn = torch.nn
    torch.manual_seed(0)
    layers = []
    for i in range(len(sizes) - 2):
        layers += [nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(sizes[-2], sizes[-1]))
    if loss == "bce":
        layers.append(nn.Sigmoid())
    model = nn.Sequential(*layers)
    criterion = nn.BCELoss() if loss == "bce" else nn.CrossEntropyLoss()
    return model, criterion, torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)


def _samples(torch, count: int, sizes: list[int], loss: str):
    labels = _labels(torch, count, max(sizes[-1], 2))
    return _floats(torch, count, sizes[0]), labels.reshape(-1, 1).float() if loss == "bce" else labels


def training(torch, sizes, batch, loss, dropout, lr, momentum):
    """A multilayer perceptron's training step on one batch."""
    model, criterion, optimizer = _network(torch, sizes, loss, dropout, lr, momentum)
    x, y = _samples(torch, batch, sizes, loss)

    def step():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()

    return step


def epoch(torch, sizes, batch, loss, dropout, lr, momentum, samples):
    """A whole epoch of it, as scripts write it."""
    from importlib import import_module

    data = import_module(torch.__name__ + ".utils.data")
    model, criterion, optimizer = _network(torch, sizes, loss, dropout, lr, momentum)
    loader = data.DataLoader(
        data.TensorDataset(*_samples(torch, samples, sizes, loss)), batch_size=batch, shuffle=True
    )

    def run():
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            value = criterion(model(x), y)
            value.backward()
            optimizer.step()
            total += value.item() * len(y)
        return total / samples

    return run
