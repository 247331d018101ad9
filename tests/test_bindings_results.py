# SPDX-License-Identifier: Apache-2.0
"""Where results go: outputs given and overlapping, lists changed in place, memory that comes back, layouts, the trace."""

from __future__ import annotations

import gc
import os
import pickle
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from bindings_calls import CALLS, F32, F64, misaligned, refused, values
from nabi import _C


class TestOutputGiven:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: None,
            lambda: "out",
            lambda: np.zeros((2, 3), F64),
            lambda: np.zeros((3, 2), F32),
            lambda: np.zeros((2, 3, 1), F32),
            lambda: np.zeros((1, 2, 3), F32),
            lambda: np.zeros((2, 3), ">f4"),
            lambda: misaligned(np.zeros((2, 3), F32)),
            lambda: np.broadcast_to(F32(0), (2, 3)),
            lambda: np.lib.stride_tricks.as_strided(np.zeros(3, F32), (2, 3), (0, 4), writeable=True),
        ],
    )
    def test_refused(self, make):
        out = make()
        refused("add", [values(2, 3), values(2, 3), out])
        refused("add", [values(2, 3), 1.0, out])

    def test_read_only(self):
        out = np.zeros((2, 3), F32)
        out.flags.writeable = False
        assert "writable" in refused("mul", [values(2, 3), values(3), out], RuntimeError)

    def test_it_is_returned_and_counted(self):
        out = np.zeros((2, 3), F32)
        count = sys.getrefcount(out)
        result = _C.add(values(2, 3), 1.0, out)
        assert result is out and sys.getrefcount(out) == count + 1

    @pytest.mark.parametrize("shift", range(-5, 6))
    @pytest.mark.parametrize("threads", [1, 2])
    def test_inputs_that_overlap_it_are_read_first(self, shift, threads):
        usual = _C.get_num_threads()
        _C.set_num_threads(threads)
        _C.set_grain_override(1)
        memory = values(200)
        start = memory.copy()
        a, b, out = memory[10:110], memory[10 + shift : 110 + shift], memory[10:110]
        _C.add(a, b, out)
        np.testing.assert_array_equal(out, start[10:110] + start[10 + shift : 110 + shift])
        np.testing.assert_array_equal(memory[110:], start[110:])
        _C.set_grain_override(0)
        _C.set_num_threads(usual)

    def test_backwards_and_transposed_onto_itself(self):
        for view in (
            lambda m: m[::-1, ::-1],
            lambda m: m.T,
            lambda m: m[:, ::-1].T,
            lambda m: m[:1],
            lambda m: m[:, 2:3],
        ):
            memory = values(7, 7)
            expected = memory - view(memory)
            _C.sub(memory, view(memory), memory)
            np.testing.assert_array_equal(memory, expected)
            memory = values(7, 7)
            expected = memory.copy()
            expected[::-1, ::2] = expected[:, :4] * F32(3)
            _C.mul(memory[:, :4], 3.0, memory[::-1, ::2])
            np.testing.assert_array_equal(memory, expected)


class TestLists:
    def refuse(self, **changes):
        arguments = CALLS["sgd_step"]()
        for i, name in enumerate(("params", "grads", "buffers")):
            if name in changes:
                arguments[i] = changes[name]
        return refused("sgd_step", arguments)

    def test_what_is_no_list_of_arrays(self):
        for bad in (
            (values(3), values(2, 2)),
            "ab",
            3,
            values(2),
            {1: 2},
            [values(3), None],
            [values(3), [1.0] * 4],
        ):
            for name in ("params", "grads", "buffers"):
                self.refuse(**{name: bad})
        self.refuse(params=None)
        self.refuse(grads=None)

    @pytest.mark.parametrize("name", ["params", "grads", "buffers"])
    def test_lengths_shapes_layouts_dtypes(self, name):
        for bad in (
            [],
            [values(3)],
            [values(3), values(2, 2), values(1)],
            [values(3), values(4)],
            [values(3), values(2, 1, 2)],
            [values(4), values(2, 2)],
            [values(3), np.asfortranarray(values(2, 2))],
            [values(3), values(2, 4)[:, ::2]],
            [values(3), values(2, 2)[::-1]],
            [values(3), np.broadcast_to(F32(1), (2, 2))],
            [values(3), values(2, 2, dtype=F64)],
            [values(3), values(2, 2).astype(">f4")],
            [misaligned(values(3)), values(2, 2)],
            [values(3).astype(object), values(2, 2)],
        ):
            self.refuse(**{name: bad})

    @pytest.mark.parametrize("name", ["params", "buffers"])
    def test_read_only(self, name):
        fixed = values(2, 2)
        fixed.flags.writeable = False
        self.refuse(**{name: [values(3), fixed]})

    def test_arrays_live_while_they_are_used(self):
        arguments = CALLS["sgd_step"]()

        class Clears:
            def __float__(self):
                for items in arguments[:3]:
                    items.clear()
                gc.collect()
                return 0.1

        arguments[3] = Clears()
        _C.sgd_step(*arguments)
        assert arguments[0] == []

    def test_none_and_empty(self):
        arguments = CALLS["sgd_step"]()
        _C.sgd_step([], [], None, *arguments[3:])
        _C.sgd_step([], [], [], *arguments[3:])


class TestMemory:
    def test_results_give_their_memory_back(self):
        before = _C.memory_stats()["allocated_bytes"]
        for _ in range(3):
            for name, make in CALLS.items():
                getattr(_C, name)(*make())
        assert _C.memory_stats()["allocated_bytes"] == before

    def test_results_are_ordinary_arrays(self):
        x = _C.add(values(6, 4), 1.0)
        expected = values(6, 4) + F32(1)
        assert x.flags.owndata and x.flags.writeable and x.flags.aligned and x.base is None
        assert x.ctypes.data % 64 == 0
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(x)), expected)
        np.testing.assert_array_equal(x.copy(), expected)
        np.testing.assert_array_equal(x.reshape(4, 6), expected.reshape(4, 6))
        x.resize((2, 3), refcheck=False)
        np.testing.assert_array_equal(x, expected.ravel()[:6].reshape(2, 3))
        x.resize((300, 7), refcheck=False)
        np.testing.assert_array_equal(x.ravel()[:6], expected.ravel()[:6])
        assert not x.ravel()[6:].any()
        x.resize((0,), refcheck=False)
        view = _C.add(values(3), 1.0)[1:]
        gc.collect()
        np.testing.assert_array_equal(view, values(3)[1:] + F32(1))

    def test_results_outlive_the_interpreters_modules(self):
        done = run("""
            import sys
            import numpy as np
            from nabi import _C
            class Late:
                def __init__(self):
                    self.array = _C.add(np.ones(70000, np.float32), 1.0)
                    self.itself = self
                def __del__(self):
                    assert self.array[0] == 2
                    self.array.resize(7, refcheck=False)
            sys.late, sys.kept = Late(), _C.add(np.ones(1000, np.float32), 1.0)
            del sys.modules["nabi._C"], _C
        """)
        assert (done.returncode, done.stderr) == (0, "")


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_trace_lines_can_be_read():
    done = run(
        """
        import numpy as np
        from nabi import _C
        x = np.ones((2, 3), np.float32)
        _C.linear(x, np.ones((5, 3), np.float32), None)
        _C.add(x, 1.0)
        _C.sgd_step([x], [x], None, 0.1, 0.0, 0.0, 0.0, False, False, True)
        """,
        NABI_TRACE="1",
        NABI_ISA="scalar",
    )
    end = r" scalar \d+ threads? \d+\.\d us"
    lines = done.stderr.splitlines()
    assert done.returncode == 0 and len(lines) == 3, done.stderr
    assert re.fullmatch(r"nabi linear \(2, 3\) \(5, 3\) -> \(2, 5\)" + end, lines[0])
    assert re.fullmatch(r"nabi add \(2, 3\) number -> \(2, 3\)" + end, lines[1])
    assert re.fullmatch(r"nabi sgd_step 12 elements in lists" + end, lines[2])


# ---- layouts ----


def random_layout(rng, shape):
    """An array of the shape: dimensions permuted, with gaps, repeated, odd strides beside size 1."""
    order = list(rng.permutation(len(shape))) if rng.random() < 0.7 else list(range(len(shape)))
    sizes = [shape[d] for d in order]
    slack = [2 * n if rng.random() < 0.15 else n for n in sizes]
    base = rng.standard_normal(slack).astype(F32)
    base = base[
        tuple(
            slice(0, n) if rng.random() < 0.5 or m == n else slice(None, None, 2)
            for n, m in zip(sizes, slack)
        )
    ]
    a = base.transpose([order.index(d) for d in range(len(shape))])
    steps = [
        4 * int(rng.choice([0, 1, 2, 7, 100])) if n == 1 and rng.random() < 0.2 else step
        for n, step in zip(shape, a.strides)
    ]
    if shape and rng.random() < 0.2:
        steps[rng.integers(len(shape))] = 0
    return np.lib.stride_tricks.as_strided(a, shape, steps)


def steps_of(a):
    return tuple(step // a.itemsize for step in a.strides)


def test_results_lie_where_pytorch_puts_them():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)

    def in_torch(a):
        flat = np.lib.stride_tricks.as_strided(
            a, (sum((n - 1) * s for n, s in zip(a.shape, a.strides)) // 4 + 1,), (4,)
        )
        return torch.as_strided(torch.from_numpy(flat.copy()), a.shape, steps_of(a))

    unary = {"relu": torch.relu, "sigmoid": torch.sigmoid}
    binary = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    seen = set()
    for _ in range(4000):
        shape = tuple(rng.choice([1, 1, 2, 3, 4], rng.integers(0, 6)).tolist())
        a = random_layout(rng, shape)
        kind = rng.integers(3)
        if kind == 0:
            name = str(rng.choice(list(unary)))
            got, expected = getattr(_C, name)(a), unary[name](in_torch(a))
        elif kind == 1:
            name = str(rng.choice(list(binary)))
            got, expected = getattr(_C, name)(a, 1.5), binary[name](in_torch(a), 1.5)
        else:
            name = str(rng.choice(list(binary)))
            other = tuple(n if rng.random() < 0.8 else 1 for n in shape)[
                rng.choice([0, 0, 0, len(shape) // 2]) :
            ]
            b = random_layout(rng, other)
            if rng.random() < 0.3:
                a, b = b, a
            got, expected = getattr(_C, name)(a, b), binary[name](in_torch(a), in_torch(b))
        assert got.shape == tuple(expected.shape)
        assert steps_of(got) == expected.stride(), (name, a.shape, steps_of(a))
        np.testing.assert_allclose(got, expected.numpy(), rtol=1e-6)
        seen.add(steps_of(got))
    assert len(seen) > 500


def test_channels_last_and_empty_results_keep_their_order():
    torch = pytest.importorskip("torch")
    x = torch.randn(2, 3, 1, 5).contiguous(memory_format=torch.channels_last)
    assert steps_of(_C.relu(x.numpy())) == torch.relu(x).stride()
    assert steps_of(_C.add(x.numpy(), x.numpy())) == (x + x).stride()
    for shape in ((0,), (3, 0, 2), (0, 4)):
        assert steps_of(_C.relu(np.zeros(shape, F32))) == torch.relu(torch.zeros(shape)).stride()


def test_a_gradient_that_repeats_takes_the_layout_of_the_output():
    y = np.asfortranarray(values(3, 4))
    assert steps_of(_C.relu_backward(np.broadcast_to(F32(1), (3, 4)), y)) == (1, 3)
