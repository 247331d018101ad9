# SPDX-License-Identifier: Apache-2.0
"""The four mirrors of every family, the op list's users, and the examples in the documentation.

docs/design.md, "The rooms": cpp/kernels/F, python/nabi/ops/F, python/nabi/reference/F, python/nabi/verify/cases/F.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

import nabi

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "nabi"
MIRRORS = {
    "kernels": ROOT / "cpp" / "kernels",
    "ops": PACKAGE / "ops",
    "reference": PACKAGE / "reference",
    "cases": PACKAGE / "verify" / "cases",
}
# Rooms that every family shares, and the table of a set; they mirror nothing.
SHARED = {"table", "promote"}
# numpy does these: they are no part of a training step.
WITHOUT_KERNELS = {"compare", "creation"}
# The step of an optimizer is not an op: its Python side is nabi/optim.
ELSEWHERE = {("optim", "ops"): PACKAGE / "optim"}


def families(mirror: str) -> set[str]:
    """A file or a folder is a family; what begins with an underscore, and headers, are helpers."""
    folder = MIRRORS[mirror]
    found = {path.stem for path in folder.glob("*.cpp" if mirror == "kernels" else "*.py")}
    found |= {path.name for path in folder.iterdir() if path.is_dir()}
    return {name for name in found - SHARED if not name.startswith("_")}


def missing_mirrors(present: dict[str, set[str]]) -> list[str]:
    """`family: no mirror` for each gap."""
    gaps = []
    for family in sorted(set().union(*present.values())):
        for mirror, names in present.items():
            if family in names or (mirror == "kernels" and family in WITHOUT_KERNELS):
                continue
            if (family, mirror) in ELSEWHERE and ELSEWHERE[family, mirror].exists():
                continue
            gaps.append(f"{family}: no {MIRRORS[mirror].relative_to(ROOT)}/{family}")
    return gaps


def test_every_family_has_its_four_mirrors():
    assert missing_mirrors({mirror: families(mirror) for mirror in MIRRORS}) == []


def test_a_missing_mirror_is_named():
    present = {mirror: {"linalg", "norm"} for mirror in MIRRORS}
    present["reference"] = {"linalg"}
    present["kernels"] = {"linalg", "norm", "optim"}
    present["cases"] = {"linalg", "norm", "optim", "creation"}
    assert missing_mirrors(present) == [
        "creation: no python/nabi/ops/creation",
        "creation: no python/nabi/reference/creation",
        "norm: no python/nabi/reference/norm",
        "optim: no python/nabi/reference/optim",
    ]


def listed_ops() -> set[str]:
    text = (ROOT / "cpp" / "kernels.def").read_text(encoding="utf-8")
    return set(re.findall(r"^NABI_(?:OP|ELEMENTWISE|REDUCE)\((\w+)[,)]", text, re.M))


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def test_every_listed_op_is_used():
    """A line of kernels.def that no Python module calls is dead weight in every instruction set."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources(PACKAGE))
    assert {
        name for name in listed_ops() if not re.search(rf"\b_C\.{name}\b|import.*\b{name}\b", text)
    } == set()


def test_every_called_kernel_is_listed():
    from nabi import _C

    called = {
        (name, path.name)
        for path in sources(PACKAGE)
        for name in re.findall(r"\b_C\.(\w+)", path.read_text(encoding="utf-8"))
    }
    assert {(name, where) for name, where in called if not hasattr(_C, name)} == set()


def imported(path: Path) -> set[str]:
    """Absolute names of the top packages that a file imports; relative ones begin with a dot."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(
                "." * node.level + (node.module or "").split(".")[0]
                if node.level
                else node.module.split(".")[0]
            )
    return names


@pytest.mark.parametrize("path", sources(PACKAGE / "reference"), ids=lambda path: path.stem)
def test_the_reference_knows_numpy_only(path):
    allowed = {"__future__", "collections", "functools", "itertools", "math", "numpy"}
    assert {
        name for name in imported(path) if name not in allowed and not re.fullmatch(r"\.\w*", name)
    } == set()


def modules() -> list[str]:
    names = []
    for path in sources(PACKAGE):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


@pytest.mark.parametrize("name", modules())
def test_the_examples_in_docstrings_run(name, tmp_path, monkeypatch):
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)
    state = nabi.get_rng_state()
    try:
        result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    finally:
        nabi.set_rng_state(state)
    assert result.failed == 0


PUBLIC = [
    "nabi",
    "nabi.autograd",
    "nabi.nn",
    "nabi.nn.functional",
    "nabi.nn.init",
    "nabi.optim",
    "nabi.utils.data",
    "nabi.vision.datasets",
    "nabi.vision.transforms",
]


@pytest.mark.parametrize("name", modules())
def test_every_module_says_what_it_is(name):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_says_what_it_is(name):
    things = {
        label: thing
        for label, thing in vars(importlib.import_module(name)).items()
        if not label.startswith("_")
        and callable(thing)
        and (getattr(thing, "__module__", None) or "").startswith("nabi")
    }
    assert things
    assert {label for label, thing in things.items() if not thing.__doc__} == set()


def test_functions_of_the_families_have_examples():
    """The front of each family: at least its functions in nabi.nn.functional show a run."""
    shown = {
        name: thing
        for name, thing in vars(nabi.nn.functional).items()
        if callable(thing)
        and not name.startswith("_")
        and getattr(thing, "__module__", "").startswith("nabi.ops")
    }
    assert len(shown) >= 5
    inplace = {name for name in shown if name.endswith("_")}
    assert {name for name in set(shown) - inplace if ">>>" not in (shown[name].__doc__ or "")} == set()
