# SPDX-License-Identifier: Apache-2.0
"""Every case of nabi.verify's table under every walker. The slow ones walk all sizes around vectors, tiles and blocks."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
from nabi import _C
from nabi.verify.cases import CASES, KERNELS, linalg
from nabi.verify.settings import Log, Settings, switched
from nabi.verify.walkers import WALKERS, applies, arguments

ROWS = [(name, case) for name in WALKERS for case in CASES if applies(name, case)]


def faultless(log: Log) -> None:
    assert log.checks > 0
    assert log.faults == [], "\n".join(log.faults[:10])


@pytest.mark.parametrize(("walker", "case"), ROWS, ids=lambda each: getattr(each, "name", each))
def test_quick(walker, case):
    log = Log()
    WALKERS[walker](case, log, Settings(quick=True))
    faultless(log)


# Bad inputs and stored values have no sizes.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("walker", "case"),
    [row for row in ROWS if row[0] not in ("bad_input", "stored")],
    ids=lambda each: getattr(each, "name", each),
)
def test_every_size(walker, case):
    log = Log()
    WALKERS[walker](case, log, Settings(quick=False))
    faultless(log)


@pytest.mark.parametrize("kernel", KERNELS)
def test_arguments_of_a_kernel(kernel):
    log = Log()
    arguments(kernel, KERNELS[kernel], log, Settings(quick=True))
    faultless(log)


def test_every_kernel_has_arguments():
    assert set(_C.kernel_names()) == set(KERNELS)


def test_names_of_cases_are_unique():
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_a_looser_tolerance_says_why():
    """An own magnitude that is not the sum of the terms' absolute values is explained at its entry."""
    linear = {"sum", "mean", "SGD", "add alpha", "sub alpha", "linspace"} | {
        case.name for case in linalg.CASES
    }
    assert [case.name for case in CASES if case.magnitude and not case.why and case.name not in linear] == []


def test_every_set_adds_in_its_own_vectors():
    """Which set ran can be seen in a sum's bits: 2^24 swallows the ones that are added to its own lane, and a set's
    vector width decides how many lanes there are."""
    x = np.ones(1024, np.float32)
    x[0] = 2.0**24
    seen = {}
    for isa in _C.available_isas():
        with switched(isa=isa):
            seen[isa] = nabi.from_numpy(x).sum().item()
    assert len(set(seen.values())) == len(seen), seen


def test_small_blocks_reach_every_edge():
    """With KC = 5 a product over K = 11 goes in three runs, with two panels in a block of columns 97 of them in several;
    K = 30 for few outputs is cut into chunks. Edge tiles follow from m = 9."""
    seen = {}
    for small in (False, True):
        with switched(split=True, threads=2, small_blocks=small):
            before, regions = _C.gemm_stats(), _C.parallel_stats()["threaded_regions"]
            nabi.mm(nabi.ones(60, 11), nabi.ones(11, 200))
            seen[small] = {key: value - before[key] for key, value in _C.gemm_stats().items()}
            assert _C.parallel_stats()["threaded_regions"] > regions
            nabi.mm(nabi.ones(9, 30), nabi.ones(30, 7))
            seen[small]["chunked"] = _C.gemm_stats()["chunked"] - before["chunked"]
    assert set(seen[False].values()) == {0}  # counted only where blocks are small
    assert seen[True]["runs"] >= 3 and seen[True]["full_tiles"] > 0, seen
    assert seen[True]["edge_tiles"] > 0 and seen[True]["chunked"] == 1, seen


def test_switches_are_turned_back():
    before = _C.get_isa(), _C.get_num_threads()
    with switched(isa="scalar", threads=3, split=True, small_blocks=True):
        assert (_C.get_isa(), _C.get_num_threads()) == ("scalar", 3)
    assert (_C.get_isa(), _C.get_num_threads()) == before
