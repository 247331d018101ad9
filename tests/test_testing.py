# SPDX-License-Identifier: Apache-2.0
"""`assert_close` without PyTorch: its verdicts, its reports, its errors."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
from nabi.testing import assert_close


@pytest.mark.parametrize(
    "dtype, rtol, atol",
    [("float32", 1.3e-6, 1e-5), ("float64", 1e-7, 1e-7), ("int64", 0, 0), ("uint8", 0, 0)],
)
def test_default_tolerances(dtype, rtol, atol):
    dtype = getattr(nabi, dtype)
    for expected in (0.0, 100.0):
        allowed = atol + rtol * expected
        reference = nabi.tensor([expected], dtype=dtype)
        assert_close(nabi.tensor([expected + 0.9 * allowed], dtype=dtype), reference)
        beyond = expected + (1.1 * allowed if allowed else 1)
        with pytest.raises(AssertionError):
            assert_close(nabi.tensor([beyond], dtype=dtype), reference)


def test_report_of_tensors():
    actual = nabi.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    expected = nabi.tensor([[1.0, 2.5, 3.0], [4.0, 5.0, 7.0]])
    with pytest.raises(AssertionError) as error:
        assert_close(actual, expected)
    assert str(error.value) == (
        "Tensor-likes are not close!\n\n"
        "Mismatched elements: 2 / 6 (33.3%)\n"
        "Greatest absolute difference: 1.0 at index (1, 2) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.20000000298023224 at index (0, 1) (up to 1.3e-06 allowed)"
    )
    with pytest.raises(AssertionError) as error:
        assert_close(actual, expected, rtol=0, atol=0)
    assert str(error.value) == (
        "Tensor-likes are not equal!\n\n"
        "Mismatched elements: 2 / 6 (33.3%)\n"
        "Greatest absolute difference: 1.0 at index (1, 2)\n"
        "Greatest relative difference: 0.20000000298023224 at index (0, 1)"
    )


def test_small_integers_do_not_wrap():
    actual, expected = nabi.tensor([200], dtype=nabi.uint8), nabi.tensor([250], dtype=nabi.uint8)
    with pytest.raises(AssertionError, match="Greatest absolute difference: 50 at index"):
        assert_close(actual, expected)


def test_report_of_scalars():
    text = (
        "Scalars are not close!\n\nExpected 2.0 but got 1.0.\nAbsolute difference: 1.0 (up to {} allowed)\n"
    )
    text += "Relative difference: 0.5 (up to {} allowed)"
    with pytest.raises(AssertionError) as error:
        assert_close(nabi.tensor(1.0), nabi.tensor(2.0))
    assert str(error.value) == text.format(1e-05, 1.3e-06)
    with pytest.raises(AssertionError) as error:
        assert_close(1.0, np.float64(2.0))
    assert str(error.value) == text.format(1e-07, 1e-07)
    with pytest.raises(
        AssertionError, match=r"Expected 0 but got 3\.\nAbsolute difference: 3\nRelative difference: inf"
    ):
        assert_close(3, 0)


def test_nan_and_inf():
    nan, inf = float("nan"), float("inf")
    special = nabi.tensor([nan, inf, -inf])
    with pytest.raises(AssertionError, match="Mismatched elements: 1 / 3"):
        assert_close(special, special)
    assert_close(special, special, equal_nan=True)
    assert_close(nan, nan, equal_nan=True)
    for other in ([nan, -inf, -inf], [nan, 1e38, -inf]):
        with pytest.raises(AssertionError):
            assert_close(special, nabi.tensor(other), equal_nan=True, rtol=1.0, atol=1e38)
    with pytest.raises(AssertionError):
        assert_close(inf, 1.0, rtol=inf, atol=inf)


def test_attributes():
    one = nabi.tensor([1.0])
    with pytest.raises(
        AssertionError, match=r"'shape' do not match: torch.Size\(\[1\]\) != torch.Size\(\[1, 1\]\)"
    ):
        assert_close(one, nabi.tensor([[1.0]]))
    with pytest.raises(AssertionError, match=r"'dtype' do not match: torch\.float32 != torch\.int64"):
        assert_close(one, nabi.tensor([1]))
    assert_close(one, nabi.tensor([1]), check_dtype=False)
    square = nabi.tensor([[1.0, 2.0], [2.0, 1.0]])
    assert_close(square, square.t())
    with pytest.raises(AssertionError, match=r"'stride\(\)' do not match: \(2, 1\) != \(1, 2\)"):
        assert_close(square, square.t(), check_stride=True)
    with pytest.raises(
        AssertionError, match=r"The \(d\)types do not match: <class 'int'> != <class 'float'>"
    ):
        assert_close(1, 1.0)
    assert_close(1, 1.0, check_dtype=False)


def test_containers_and_their_path():
    good = {"layers": [nabi.tensor([1.0]), (None, True)], "lr": 0.1}
    assert_close(good, {"lr": 0.1, "layers": (nabi.tensor([1.0]), [None, np.bool_(True)])})
    with pytest.raises(AssertionError) as error:
        assert_close(good, {"lr": 0.1, "layers": (nabi.tensor([1.0]), [None, False])})
    assert str(error.value) == (
        "Booleans mismatch: True is not False\n\nThe failure occurred for item ['layers'][1][1]"
    )
    with pytest.raises(AssertionError, match=r"length of the sequences mismatch: 1 != 2\n\n.*item \[0\]"):
        assert_close([[1]], [[1, 2]])
    with pytest.raises(
        AssertionError, match=r"Missing keys in the actual mapping: \['b'\]\nAdditional .*: \['a', 1\]"
    ):
        assert_close({"a": 1, 1: 1}, {"b": 1})
    # what cannot be compared is reported before what differs
    with pytest.raises(TypeError):
        assert_close([1, "a"], [2, "a"])


def test_own_message():
    with pytest.raises(AssertionError, match=r"^mine$"):
        assert_close([1], [2], msg="mine")
    with pytest.raises(AssertionError) as error:
        assert_close([1], [2], msg=lambda text: f"<{text}>")
    assert str(error.value).startswith("<Scalars are not equal!")
    assert str(error.value).endswith("item [0]>")


def test_integers_beyond_the_floats():
    assert_close(10**400, 10**400)
    with pytest.raises(AssertionError, match="Absolute difference: 1\n"):
        assert_close(10**400, 10**400 + 1)


@pytest.mark.parametrize(
    "actual, expected",
    [(nabi.tensor(1.0), 1.0), (np.ones(1), nabi.tensor([1.0])), ("a", "a"), ([1], {"a": 1})],
    ids=["tensor and number", "array and tensor", "text", "list and dict"],
)
def test_unrelated_inputs(actual, expected):
    with pytest.raises(
        TypeError, match=r"^assert_close: expected two tensors, arrays, numbers or containers"
    ) as error:
        assert_close({"k": actual}, {"k": expected})
    assert str(error.value).endswith(f"got {type(actual)} and {type(expected)} at item ['k']")


def test_number_and_bool_differ_in_type():
    # PyTorch ends in an internal error here
    with pytest.raises(AssertionError, match=r"'dtype' do not match: torch\.int64 != torch\.bool"):
        assert_close(1, True)
    assert_close(1, True, check_dtype=False)


def test_subclass():
    class Mine(nabi.Tensor):
        pass

    mine = nabi.tensor([1.0])
    mine.__class__ = Mine
    assert_close(mine, nabi.tensor([1.0]))
    assert_close(nabi.tensor([1.0]), mine)
    with pytest.raises(TypeError):
        assert_close(mine, nabi.tensor([1.0]), allow_subclasses=False)


def test_tolerances_come_in_pairs_and_are_not_negative():
    with pytest.raises(
        ValueError, match=r"^assert_close: expected both rtol and atol or neither, got no atol$"
    ):
        assert_close(1.0, 1.0, rtol=0.1)
    with pytest.raises(ValueError, match=r"got no rtol$"):
        assert_close(1.0, 1.0, atol=0.1)
    with pytest.raises(RuntimeError, match=r"^assert_close: expected atol >= 0, got -1$"):
        assert_close(1.0, 1.0, rtol=0, atol=-1)
    with pytest.raises(RuntimeError, match=r"^assert_close: expected rtol >= 0, got nan$"):
        assert_close(1.0, 1.0, rtol=float("nan"), atol=0)
