# SPDX-License-Identifier: Apache-2.0
"""Every symbol of an instruction set's objects lives in nabi::<set> (docs/design.md, decision 9).

A weak symbol outside could be instantiated in the AVX-512 object, be the copy that the linker keeps for everyone, and
kill the process on a machine without AVX-512.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETS = ("scalar", "avx2", "avx512", "neon")


def foreign_symbols(listing: str, name: str) -> list[str]:
    """Lines of `nm -C --defined-only` that other objects can see and that are not in nabi::<name>."""
    own = re.compile(
        rf"(vtable for |typeinfo for |typeinfo name for |guard variable for )?[^(<]*?\bnabi::{name}::"
    )
    foreign = []
    for line in listing.splitlines():
        match = re.match(r"(?:[0-9a-f]+)?\s+([A-Za-z])\s+(.*)", line)
        if not match:
            continue
        if (match[1].isupper() or match[1] in "uvw") and not own.match(match[2]):
            foreign.append(line.strip())
    return foreign


def build_directories() -> list[Path]:
    """NABI_BUILD_DIR, or every CMake build below build/ that holds an optimised, unsanitized build."""
    if os.environ.get("NABI_BUILD_DIR"):
        return [Path(os.environ["NABI_BUILD_DIR"])]
    found = []
    for cache in sorted(ROOT.glob("build/**/CMakeCache.txt")):
        text = cache.read_text(encoding="utf-8", errors="replace")
        if "CMAKE_BUILD_TYPE:STRING=Release" in text and not re.search(r"^NABI_SANITIZE:\w+=\S", text, re.M):
            found.append(cache.parent)
    return found


def objects() -> list[tuple[str, Path]]:
    """(set, object) of every kernel object; CMake keeps a set's objects in a folder that ends in the set's name."""
    return [
        (name, path)
        for directory in build_directories()
        for name in SETS
        for path in sorted(directory.glob(f"CMakeFiles/*{name}.dir/**/*.o"))
    ]


def test_release_objects_define_nothing_outside_their_set():
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm (binutils) is not installed")
    found = objects()
    if not found:
        pytest.skip("no build directory here: set NABI_BUILD_DIR, or install with make")
    foreign = {}
    for name, path in found:
        listing = subprocess.run(
            [nm, "-C", "--defined-only", path], capture_output=True, text=True, check=True
        ).stdout
        assert f"nabi::{name}::" in listing, f"{path.name} of {name} defines no kernel"
        if symbols := foreign_symbols(listing, name):
            foreign[f"{name}/{path.name}"] = symbols
    assert foreign == {}


def test_a_leak_is_seen():
    listing = """
0000000000000000 T nabi::avx512::linear(nabi::In const&)
0000000000000000 V vtable for nabi::avx512::Walker
0000000000000000 W void nabi::avx512::walk<float>(float*)
0000000000000040 t nabi::tail(float*)
0000000000000000 r .LC0
0000000000000000 W std::vector<int, std::allocator<int> >::push_back(int const&)
0000000000000000 W float nabi::minimum<float>(float, float)
0000000000000000 T nabi::avx2::linear(nabi::In const&)
0000000000000000 W std::function<void (nabi::avx512::Walker)>::operator()() const
0000000000000000 u nabi::counter
"""
    foreign = foreign_symbols(listing, "avx512")
    assert [line.split(" ", 2)[2].split("(")[0] for line in foreign] == [
        "std::vector<int, std::allocator<int> >::push_back",
        "float nabi::minimum<float>",
        "nabi::avx2::linear",
        "std::function<void ",
        "nabi::counter",
    ]
