# SPDX-License-Identifier: Apache-2.0
"""numpy's side of `nabi bench`, for the work that numpy has: python bench/numpy_peer.py FOLDER (nabi's bench package).

The best that its interface allows: outputs that exist already, so that its BLAS is what is timed.
"""

import os
import sys
from functools import partial

import numpy as np

sys.path.insert(0, sys.argv[1])
import worker

sys.path.remove(sys.argv[1])


def _floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).random(shape, dtype=np.float32) * 2 - 1


def linear(batch: int, inputs: int, outputs: int, training: bool):
    if training:
        return None
    x, transposed, bias = _floats(batch, inputs), _floats(outputs, inputs).T, _floats(outputs)
    out = np.empty((batch, outputs), np.float32)

    def call():
        np.matmul(x, transposed, out=out)
        np.add(out, bias, out=out)

    return call


def math(op: str):
    x = np.abs(_floats(8192)) * 6 + np.float32(1e-3)
    out = np.empty_like(x)
    if op == "sigmoid":

        def call():
            np.exp(np.negative(x, out=out), out=out)
            np.reciprocal(np.add(out, 1, out=out), out=out)

        return call
    if op == "pow":
        return lambda: np.power(x, np.float32(2.5), out=out)
    return (lambda: getattr(np, op)(x, out=out)) if hasattr(np, op) else None


def _matrix(rows: int, columns: int, transposed: bool, dtype: str) -> np.ndarray:
    x = _floats(*((columns, rows) if transposed else (rows, columns))).astype(dtype)
    return x.T if transposed else x


def matmul(m: int, n: int, k: int, transposed: str = "", dtype: str = "float32", kernel: bool = False):
    # With ``kernel`` nabi runs without Tensors; here there is nothing to leave out.
    a, b = _matrix(m, k, "a" in transposed, dtype), _matrix(k, n, "b" in transposed, dtype)
    return partial(np.matmul, a, b, out=np.empty((m, n), dtype))


def describe() -> dict:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "name": "numpy",
        "version": np.__version__,
        "threads": int(os.environ["NABI_BENCH_THREADS"]),
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
    }


if __name__ == "__main__":
    known = {"linear": linear, "math": math, "matmul": matmul}
    worker.serve(
        describe, lambda workload, options: known[workload](**options) if workload in known else None
    )
