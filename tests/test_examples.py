# SPDX-License-Identifier: Apache-2.0
"""The scripts in examples/ run as a user runs them, the notes' one on PyTorch too, with only its imports changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nabi

ROOT = Path(__file__).resolve().parent.parent
NOTES = ROOT / "examples" / "notes_pipeline.py"
DIGITS = Path(nabi.__file__).parent / "vision" / "data"
# One thread: PyTorch's small ops are slowest where threads have to share busy cores.
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}


def run(*command, cwd=None) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=cwd,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_torch_imports(source: str) -> str:
    """The script with `torch` for `nabi`, on its import lines and nowhere else."""
    lines = []
    for line in source.splitlines():
        if re.match(r"(import|from) nabi\b", line):
            line = re.sub(r"\bnabi\b", "torch", line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def accuracies(output: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"(?:(\w+) )?held-out accuracy (\S+)", output)}


def losses(output: str, model: str) -> list[float]:
    return [float(value) for value in re.findall(rf"^{model} epoch \d+ loss (\S+)", output, re.M)]


@pytest.fixture(scope="module")
def notes_output():
    return run(NOTES, DIGITS)


def test_notes_learn(notes_output):
    reached = accuracies(notes_output)
    assert set(reached) == {"module", "sequential"}
    assert min(reached.values()) >= 0.95, reached
    for model in reached:
        curve = losses(notes_output, model)
        assert len(curve) == 15 and curve[-1] < curve[0] / 4
    assert "with dropout 4 different outputs, without 1" in notes_output


def test_notes_name_nabi_only_in_imports():
    code = NOTES.read_text(encoding="utf-8")
    body = with_torch_imports(code).split('"""')[2]
    assert not re.search(r"\bnabi\b", body)


def test_notes_give_the_same_with_torch(notes_output, tmp_path):
    pytest.importorskip("torch")
    script = tmp_path / "notes_pipeline.py"
    script.write_text(with_torch_imports(NOTES.read_text(encoding="utf-8")), encoding="utf-8")
    theirs = run(script, DIGITS)
    # The same printed models; the same losses where no dropout is drawn (on Intel PyTorch draws other masks).
    assert re.findall(r"^.*\(.*$", theirs, re.M) == re.findall(r"^.*\(.*$", notes_output, re.M)
    assert losses(theirs, "module")[0] == pytest.approx(losses(notes_output, "module")[0], rel=0.15)
    assert accuracies(theirs)["module"] == pytest.approx(accuracies(notes_output)["module"], abs=0.02)


def test_notes_without_dropout_lose_the_same_as_torch(tmp_path):
    pytest.importorskip("torch")
    source = NOTES.read_text(encoding="utf-8").replace("nn.Dropout(0.25)", "nn.Identity()")
    source = source if hasattr(nabi.nn, "Identity") else source.replace("nn.Identity()", "nn.Dropout(0.0)")
    ours, theirs = tmp_path / "ours.py", tmp_path / "theirs.py"
    ours.write_text(source, encoding="utf-8")
    theirs.write_text(with_torch_imports(source), encoding="utf-8")
    ours, theirs = run(ours, DIGITS, 3), run(theirs, DIGITS, 3)
    for model in ("module", "sequential"):
        assert losses(ours, model) == pytest.approx(losses(theirs, model), rel=1e-4)


def test_the_first_example_of_the_readme(tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    script = tmp_path / "first.py"
    script.write_text(code, encoding="utf-8")
    assert accuracies(run(script))[""] >= 0.95


def test_demo_on_the_digits(tmp_path):
    output = run(
        ROOT / "examples" / "demo.py",
        "--data",
        "digits",
        "--out",
        tmp_path / "plots",
        "--no-torch",
        cwd=tmp_path,
    )
    assert "digits: 1," in output
    reached = re.search(r"^nabi:\s+([\d.]+)% of the held-out images", output, re.M)
    assert float(reached[1]) >= 95.0, output
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        assert "pip install matplotlib" in output
        return
    plots = sorted(tmp_path.glob("plots/*.png"))
    assert [plot.name for plot in plots] == ["confusion.png", "loss.png", "predictions.png"]
    assert all(plot.read_bytes().startswith(b"\x89PNG") and plot.stat().st_size > 5000 for plot in plots)


def test_demo_compares_with_torch(tmp_path):
    pytest.importorskip("torch")
    output = run(
        ROOT / "examples" / "demo.py",
        "--data",
        "digits",
        "--epochs",
        2,
        "--out",
        tmp_path / "plots",
        cwd=tmp_path,
    )
    assert re.search(r"^PyTorch: [\d.]+% of the held-out images, [\d.]+ s of training", output, re.M), output
