# SPDX-License-Identifier: Apache-2.0
"""Who may include whom in cpp/ (docs/design.md, "Who may know whom")."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CPP = Path(__file__).resolve().parent.parent / "cpp"

# A room may include headers of itself and of these.
ARROWS = {
    "simd": set(),
    "runtime": set(),
    "gemm": {"simd", "runtime"},
    "kernels": {"gemm", "simd", "runtime"},
    "bindings": {"kernels", "runtime"},
}
PYTHON = re.compile(r"Python\.h|pybind11|numpy|arrayobject")
GENERATED = {"sets.h"}  # CMakeLists.txt writes it
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def faults(text: str, where: str) -> list[str]:
    """Every include of the file `where` (a path below cpp/) that goes against an arrow."""
    room = where.split("/")[0]
    found = []
    for quote, header in INCLUDE.findall(text):
        target = header.split("/")[0]
        if PYTHON.search(header) and room != "bindings":
            found.append(f"{where}: {header}: only bindings know Python and numpy")
        elif quote == '"' and target in ARROWS and target != room and target not in ARROWS[room]:
            found.append(
                f"{where}: {header}: {room} may include {', '.join(sorted(ARROWS[room])) or 'nothing'}"
            )
        elif quote == '"' and header.startswith("."):
            found.append(f"{where}: {header}: includes are written from cpp/")
    return found


def sources() -> list[str]:
    return sorted(
        path.relative_to(CPP).as_posix()
        for path in CPP.rglob("*")
        if path.suffix in (".cpp", ".h", ".inl", ".def") and path.relative_to(CPP).parts[0] in ARROWS
    )


@pytest.mark.parametrize("where", sources())
def test_includes_follow_the_arrows(where):
    assert faults((CPP / where).read_text(encoding="utf-8"), where) == []


def test_every_room_is_looked_at():
    assert {where.split("/")[0] for where in sources()} == set(ARROWS)


def test_every_quoted_header_exists():
    missing = [
        f"{where}: {header}"
        for where in sources()
        for quote, header in INCLUDE.findall((CPP / where).read_text(encoding="utf-8"))
        if quote == '"' and header not in GENERATED and not (CPP / header).exists()
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("kernels/norm.cpp", "#include <Python.h>"),
        ("kernels/norm.cpp", '#include "numpy/arrayobject.h"'),
        ("kernels/norm.cpp", "#  include <pybind11/pybind11.h>"),
        ("kernels/norm.cpp", '#include "bindings/call.h"'),
        ("gemm/gemm.cpp", '#include "kernels/table.h"'),
        ("simd/avx2.h", '#include "runtime/parallel.h"'),
        ("runtime/pool.cpp", '#include "gemm/gemm.h"'),
        ("bindings/module.cpp", '#include "simd/vector.h"'),
        ("kernels/norm.cpp", '#include "../runtime/pool.h"'),
    ],
)
def test_a_fault_is_seen(where, line):
    assert len(faults("#pragma once\n" + line + "\n", where)) == 1
