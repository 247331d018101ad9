# SPDX-License-Identifier: Apache-2.0
"""simd/math against the C library, by the self-test cpp/tests/per_set/math_test.cpp in the build that pip made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "sin", "cos", "pow"}


@pytest.fixture(scope="module")
def program() -> Path:
    beside = Path(sys.executable).parent / "cmake"
    cmake = str(beside) if beside.exists() else shutil.which("cmake")
    caches = sorted(ROOT.glob("build/*/CMakeCache.txt"), key=lambda path: path.stat().st_mtime)
    if not cmake or not caches:
        pytest.skip("no CMake, or no build below build/")
    folder = caches[-1].parent
    made = subprocess.run(
        [cmake, "--build", folder, "--target", "math_test"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    return folder / "math_test"


def run(program: Path, **settings) -> None:
    found = subprocess.run(
        [program], capture_output=True, text=True, check=False, env={**os.environ, **settings}
    )
    assert found.returncode == 0, found.stdout[-5000:] + found.stderr
    for part in re.split(r"^-- ", found.stdout, flags=re.M)[1:]:
        if "not on this CPU" not in part:
            assert set(re.findall(r"^(\w+) +float", part, re.M)) == FUNCTIONS


def test_sampled_inputs(program):
    run(program)


@pytest.mark.slow
def test_all_float32_inputs(program):
    """2^32 inputs a function and set: ten minutes for AVX2 on two busy cores, longer for scalar."""
    run(program, NABI_SWEEP="full")
