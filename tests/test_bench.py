# SPDX-License-Identifier: Apache-2.0
"""nabi bench: its statistics, its workers, its comparison of two files, and that its rows run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nabi.bench import __main__ as program
from nabi.bench import compare, machine, report, run, shapes, timing

# ---------------------------------------------------------------- statistics


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
def test_quantiles_are_numpys(count):
    values = np.random.default_rng(count).random(count).tolist()
    for q in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0):
        assert timing.quantile(values, q) == pytest.approx(np.quantile(values, q), rel=1e-12)


def test_summary_shows_what_lies_far_out():
    quiet = [1.0 + 0.01 * (i % 5) for i in range(50)]
    assert timing.summary(quiet)["outliers"] == 0
    found = timing.summary([*quiet, 5.0, 6.0])
    assert found["outliers"] == 2
    assert found["minimum"] == 1.0
    assert found["median"] == pytest.approx(1.02)
    assert found["spread"] == pytest.approx(0.02 / 1.02)
    assert found["samples"] == 52


def test_a_ratio_does_not_see_what_slows_both():
    drift = [1.0, 1.0, 3.0, 9.0, 2.0]
    ours = [[0.5 * slow, 0.7 * slow] for slow in drift]
    theirs = [[1.0 * slow, 8.0 * slow] for slow in drift]
    found = timing.paired_ratio(ours, theirs)
    assert (found["low"], found["median"], found["high"], found["rounds"]) == (0.5, 0.5, 0.5, 5)


def test_geometric_mean():
    assert timing.geometric_mean([0.1, 10.0, 8.0]) == pytest.approx(2.0)
    assert timing.geometric_mean([0.4]) == pytest.approx(0.4)


# ---------------------------------------------------------------- rounds


def test_turns_are_interleaved():
    order = []

    def turn(name):
        order.append(name)
        return [float(len(order))]

    method = timing.Method(rounds=3)
    found = timing.interleave(
        {"a": lambda: turn("a"), "b": lambda: turn("b")}, method, between=lambda: order.append("|")
    )
    assert "".join(order) == "ab|ab|ab|"
    assert found == {"a": [[1.0], [4.0], [7.0]], "b": [[2.0], [5.0], [8.0]]}


def test_the_budget_ends_a_slow_row_after_three_rounds():
    now = iter(range(0, 10_000, 10))
    method = timing.Method(rounds=50, budget=1.0)
    assert len(timing.interleave({"a": lambda: [1.0]}, method, clock=lambda: next(now))["a"]) == 3
    assert len(timing.interleave({"a": lambda: [1.0]}, method, clock=lambda: 0)["a"]) == 50


def interrupting(after: int):
    """A turn that is interrupted when it is taken the (after + 1)-th time."""
    taken = []

    def turn():
        if len(taken) == after:
            raise KeyboardInterrupt
        taken.append(1)
        return [1.0]

    return turn


def test_an_interrupted_row_keeps_its_whole_rounds():
    with pytest.raises(KeyboardInterrupt) as stop:
        timing.interleave({"a": lambda: [2.0], "b": interrupting(2)}, timing.Method(rounds=5))
    assert stop.value.measured == {"a": [[2.0], [2.0]], "b": [[1.0], [1.0]]}
    with pytest.raises(KeyboardInterrupt) as stop:
        timing.interleave({"a": lambda: [2.0], "b": interrupting(0)}, timing.Method(rounds=5))
    assert not hasattr(stop.value, "measured")


# ---------------------------------------------------------------- rows and names


def test_rows_are_chosen_by_name_group_and_pattern():
    names = [row.name for row in shapes.ROWS]
    assert len(set(names)) == len(names)
    assert all(row.group in shapes.GROUPS for row in shapes.ROWS)
    assert "package/pip-install" not in [row.name for row in shapes.choose([])]
    assert [row.name for row in shapes.choose(["package/pip-install"])] == ["package/pip-install"]
    assert "package/pip-install" not in [row.name for row in shapes.choose(["package"])]
    assert {row.group for row in shapes.choose(["linear"])} == {"linear"}
    assert [row.name for row in shapes.choose(["training/*", "overhead/add"])] == [
        "overhead/add",
        *(name for name in names if name.startswith("training/")),
    ]


@pytest.mark.parametrize("arguments", [["lineer"], ["overhead/ad"], ["linear", "nothing*"]])
def test_an_unknown_row_lists_the_known_ones(arguments, capsys):
    assert program.main(arguments) == 2
    said = capsys.readouterr().err
    assert all(row.name in said for row in shapes.ROWS)
    assert all(group in said for group in shapes.GROUPS)
    if arguments == ["overhead/ad"]:
        assert "did you mean 'overhead/add'?" in said


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--against", "tensorflow"], "expected peers among torch, numpy, got 'tensorflow'"),
        (["--threads", "0"], "expected --threads of at least 1, got 0"),
        (["--rounds", "-1"], "expected --rounds of at least 1, got -1"),
        (["--json", "nowhere/at/all.json"], "expected a file in a folder that exists"),
        (["--compare", "no-such-file.json", "no-such-file.json"], "cannot read no-such-file.json"),
    ],
)
def test_mistakes_are_refused_before_anything_runs(arguments, sentence, capsys, monkeypatch):
    monkeypatch.setattr(program, "Team", None)
    assert program.main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_the_list_says_what_every_row_is(capsys):
    assert program.main(["--list"]) == 0
    said = capsys.readouterr().out
    assert all(row.name in said and row.what in said for row in shapes.ROWS)


# ---------------------------------------------------------------- the comparison


def results(tmp_path, name: str, **rows) -> str:
    """A result file with a row for each keyword: a ratio to PyTorch (median, half of the middle half)."""
    found = {
        "nabi_bench": report.FORMAT,
        "threads": 2,
        "machine": {"cpu": "some CPU", "busy": ""},
        "libraries": {"nabi": {"isa": "avx2"}},
        "rows": [
            {
                "name": f"overhead/{row}",
                "ratios": {"torch": {"median": middle, "low": middle - half, "high": middle + half}},
                "seconds": {"nabi": {"median": middle * 1e-6, "low": middle * 1e-6, "high": middle * 1e-6}},
            }
            for row, (middle, half) in rows.items()
        ],
    }
    path = tmp_path / name
    path.write_text(json.dumps(found))
    return str(path)


def changed(path: str, change) -> str:
    found = json.loads(Path(path).read_text())
    change(found)
    Path(path).write_text(json.dumps(found))
    return path


def test_a_planted_regression_is_found(tmp_path, capsys):
    old = results(tmp_path, "old.json", add=(0.40, 0.01), mul=(0.50, 0.01), relu=(0.50, 0.01))
    new = results(tmp_path, "new.json", add=(0.48, 0.01), mul=(0.51, 0.01), relu=(0.40, 0.01))
    assert program.main(["--compare", old, new]) == 1
    said = capsys.readouterr().out
    lines = {line.split()[0]: line for line in said.splitlines() if line.startswith("overhead/")}
    assert lines["overhead/add"].endswith("+20%  SLOWER")
    assert lines["overhead/mul"].endswith("+2%")
    assert lines["overhead/relu"].endswith("faster")
    assert "1 of 3 rows regressed: overhead/add" in said
    assert program.main(["--compare", old, old]) == 0
    assert "No regression in 3 rows." in capsys.readouterr().out


def test_noise_is_no_regression(tmp_path):
    old = results(tmp_path, "old.json", add=(0.40, 0.10))
    assert program.main(["--compare", old, results(tmp_path, "new.json", add=(0.55, 0.10))]) == 0
    assert program.main(["--compare", old, results(tmp_path, "new.json", add=(0.75, 0.10))]) == 1


def test_a_row_that_fails_now_is_a_regression_and_a_missing_one_is_named(tmp_path, capsys):
    old = results(tmp_path, "old.json", add=(0.4, 0.01), mul=(0.4, 0.01))
    new = results(tmp_path, "new.json", add=(0.4, 0.01))
    changed(new, lambda found: found["rows"].__setitem__(0, {"name": "overhead/add", "error": "it broke"}))
    assert program.main(["--compare", old, new]) == 1
    said = capsys.readouterr().out
    assert "FAILED" in said
    assert "overhead/mul: only in the old file" in said


def test_times_are_compared_on_the_same_machine_only(tmp_path, capsys):
    def without_ratios(found):
        for row in found["rows"]:
            row["ratios"] = {}

    old = changed(results(tmp_path, "old.json", add=(1.0, 0.01)), without_ratios)
    new = changed(results(tmp_path, "new.json", add=(2.0, 0.01)), without_ratios)
    assert program.main(["--compare", old, new]) == 1
    changed(new, lambda found: found["machine"].update(cpu="another CPU"))
    assert program.main(["--compare", old, new]) == 0
    said = capsys.readouterr().out
    assert "overhead/add: nothing to compare by" in said
    assert "Not the same processor" in said


def test_sizes_are_compared_everywhere(tmp_path, capsys):
    def size(value):
        return lambda found: found.update(
            rows=[{"name": "package/size", "kind": "size", "value": value, "unit": "MB"}], threads=int(value)
        )

    old = changed(results(tmp_path, "old.json"), size(2.0))
    assert program.main(["--compare", old, changed(results(tmp_path, "new.json"), size(3.0))]) == 1
    assert "LARGER" in capsys.readouterr().out
    assert program.main(["--compare", old, changed(results(tmp_path, "new.json"), size(2.1))]) == 0


@pytest.mark.parametrize("text", ["", "[1, 2]", "{}", '{"nabi_bench": 999, "rows": []}', '{"nabi_bench": 1}'])
def test_another_file_is_refused(text, tmp_path, capsys):
    good = results(tmp_path, "good.json", add=(1.0, 0.1))
    (tmp_path / "bad.json").write_text(text)
    assert program.main(["--compare", good, str(tmp_path / "bad.json")]) == 2
    assert "bad.json" in capsys.readouterr().err


# ---------------------------------------------------------------- the report


def ratios(**medians) -> list[dict]:
    return [
        {"name": f"overhead/{name}", "ratios": {"torch": {"median": m, "low": m, "high": m, "rounds": 3}}}
        for name, m in medians.items()
    ]


def test_the_mean_of_a_group_needs_all_of_its_rows():
    found = run.mean_of("overhead", ratios(add=0.4, mul=0.9), 2)
    assert found["ratios"]["torch"]["median"] == pytest.approx(0.6)
    assert found["verdicts"][0]["limit"] == 0.6
    assert run.mean_of("overhead", ratios(add=0.4, mul=1.6), 2)["verdicts"][0]["met"] is False
    assert run.mean_of("overhead", ratios(add=0.4), 2) is None
    assert run.mean_of("training", ratios(add=0.4), 1) is None


def test_the_table_marks_what_misses_its_target():
    rows = ratios(add=0.5, mul=0.9)
    for row in rows:
        row["seconds"] = {
            "nabi": timing.summary([1e-6, 1.1e-6, 1.2e-6]),
            "torch": timing.summary([2e-6, 2.2e-6, 9e-6]),
        }
        row["verdicts"] = run.verdicts({"torch": 0.8}, row["ratios"])
    table = report.group_table("overhead", rows, ["torch"])
    lines = table.splitlines()
    assert lines[2].endswith("0.50 (0.50-0.50)  <= 0.8 of PyTorch: met")
    assert lines[3].endswith("0.90 (0.90-0.90)  <= 0.8 of PyTorch: MISSED")
    assert "1.00 us, 1.10 us +-5%" in lines[2]
    closing = report.closing({"rows": rows, "machine": {}, "interrupted": True})
    assert "MISSED 1 of 2 targets: overhead/mul" in closing
    assert "Interrupted" in closing


class Measuring:
    """A worker whose peaks come from a list."""

    def __init__(self, **values):
        self.values = values

    def ask(self, do, what, options):
        assert (do, what) == ("measure", "peak")
        return {"value": self.values[f"threads_{options['threads']}"].pop(0)}


@pytest.mark.parametrize(
    "one, two, expected, noted",
    [
        ([100.0], [150.0], 150.0, False),
        ([100.0], [0.3, 0.2, 0.3], 200.0, True),  # its threads never ran at the same time
        ([100.0], [0.3, 180.0], 180.0, False),  # a disturbed measurement is made again
    ],
)
def test_a_peak_that_was_mismeasured_is_not_used(one, two, expected, noted):
    class Team:
        workers = {"nabi": Measuring(threads_1=one, threads_2=two)}
        threads = 2

    bench = run.Bench(Team, timing.Method(), machine.Watch())
    row = shapes.Row("linear/1", "", flops=10**9)
    found = bench._judged(row, {"nabi": [[0.05, 0.1]], "torch": [[0.1]]})
    assert found["gflops"] == {"nabi": pytest.approx(20.0), "torch": pytest.approx(10.0)}
    assert found["of_peak"]["nabi"] == pytest.approx(20.0 / expected)
    assert found["ratios"]["torch"]["median"] == 0.5
    assert ("did not run at the same time" in bench.notes.get("peak", "")) == noted


def test_a_busy_machine_is_said_to_be_busy(monkeypatch):
    watch = machine.Watch()
    watch.loops = [1e-3] * 50
    watch._start = (watch._start[0] - 1.0, (100.0, 5.0), watch._start[2])
    own = machine._own_seconds([])
    watch._start = (*watch._start[:2], own)
    monkeypatch.setattr(machine, "_jiffies", lambda: (100.05, 5.0))
    assert watch.verdict()["busy"] == ""
    monkeypatch.setattr(machine, "_jiffies", lambda: (103.0, 5.5))
    assert "other programs used" in watch.verdict()["busy"]
    assert "hypervisor" in watch.verdict()["busy"]
    monkeypatch.setattr(machine, "_jiffies", lambda: None)
    watch.loops = [1e-3] * 40 + [1.5e-3] * 10
    assert "50% longer" in watch.verdict()["busy"]
    said = report.closing({"rows": [], "machine": watch.verdict()})
    assert "THIS MACHINE IS BUSY" in said


def test_work_of_ones_own_is_not_called_busy_by_others():
    watch = machine.Watch()
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        before = machine._own_seconds([child.pid])
        deadline = time.monotonic() + 30
        while machine._own_seconds([child.pid]) - before < 0.3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    assert watch.verdict([child.pid])["other_cpus"] >= 0


def test_installed_size_counts_this_pythons_bytecode_only(tmp_path, monkeypatch):
    package = tmp_path / "somewhere" / "planted"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_bytes(b"#" * 100)
    (package / "data.bin").write_bytes(bytes(1000))
    (package / "__pycache__" / f"__init__.{sys.implementation.cache_tag}.pyc").write_bytes(bytes(10))
    (package / "__pycache__" / "__init__.cpython-27.pyc").write_bytes(bytes(5000))
    monkeypatch.syspath_prepend(str(tmp_path / "somewhere"))
    assert machine.installed_bytes("planted") == 1110
    assert machine.installed_bytes("no_such_package_anywhere") is None
    assert 200_000 < machine.installed_bytes("nabi") < 8_000_000


def test_what_pip_complains_of_is_passed_on():
    problem = subprocess.CalledProcessError(
        1, ["pip"], b"compiling\nx.cpp:3: error: no such thing\n", b"ERROR: failed\n"
    )
    assert run._reason(problem) == "x.cpp:3: error: no such thing"
    assert (
        run._reason(subprocess.CalledProcessError(1, ["pip"], b"", b"a\nthe last line\n")) == "the last line"
    )
    assert "No such file" in run._reason(FileNotFoundError(2, "No such file"))


def test_the_files_name_has_no_host_in_it():
    found = {
        "date": "2026-01-02T03:04:05+0000",
        "machine": {"cpu": "Some(R) CPU @ 2.0GHz"},
        "threads": 2,
        "libraries": {"nabi": {"isa": "avx2"}},
    }
    assert report.default_file_name(found) == "2026-01-02-some-r-cpu-2-0ghz-avx2-2t.json"


# ---------------------------------------------------------------- the whole program

SMOKE = [
    "overhead",
    "gemm/64*",
    "gemm/1x*",
    "gemm/512x512x512-avx2",
    "gemm-layers/784x512x64*",
    "linear/64x64x64",
    "linear-training/64x64x64",
    "training",
    "epoch",
    "package",
]


def test_smoke(tmp_path, capsys):
    path = tmp_path / "smoke.json"
    assert program.main(["--quick", *SMOKE, "--json", str(path)]) == 0
    said = capsys.readouterr().out
    found = compare.load(str(path))
    expected = {row.name for row in shapes.choose(SMOKE)}
    assert {row["name"] for row in found["rows"]} == expected
    assert all(name.split("/")[1] in said for name in expected)
    for row in found["rows"]:
        assert "error" not in row
        if "seconds" in row:
            assert row["seconds"]["nabi"]["minimum"] > 0
            assert row["seconds"]["nabi"]["samples"] >= 3
    by_name = {row["name"]: row for row in found["rows"]}
    assert by_name["linear/64x64x64"]["of_peak"]["nabi"] > 0
    assert set(by_name["package/import"]["ratios"]) == {"numpy"}
    assert found["libraries"]["nabi"]["isa"] in said
    assert found["machine"]["cpu"] in said
    assert "busy" in found["machine"]
    assert program.main(["--compare", str(path), str(path)]) == 0


@pytest.mark.slow
def test_every_row_runs():
    assert program.main(["--quick"]) == 0


def test_ctrl_c_keeps_what_was_measured(tmp_path, monkeypatch, capsys):
    measure = run.Bench.measure

    def interrupted(self, row):
        if row.name == "overhead/relu":
            stop = KeyboardInterrupt()
            stop.partial = {"name": row.name, "kind": "time", "seconds": {"nabi": timing.summary([1.0])}}
            raise stop
        return measure(self, row)

    monkeypatch.setattr(run.Bench, "measure", interrupted)
    path = tmp_path / "part.json"
    assert program.main(["--quick", "overhead", "package", "--json", str(path)]) == 130
    found = json.loads(path.read_text())
    assert [row["name"] for row in found["rows"]] == ["overhead/add", "overhead/mul", "overhead/relu"]
    assert found["interrupted"] is True
    assert "Interrupted" in capsys.readouterr().out


def test_a_real_ctrl_c_ends_the_workers_too(tmp_path):
    path = tmp_path / "part.json"
    command = [sys.executable, "-m", "nabi.bench", "training/mlp*", "--against", "none", "--rounds", "100000"]
    # A shell's background jobs ignore Ctrl-C and hand that on: here it is listened to.
    process = subprocess.Popen(
        [*command, "--json", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    first = process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert first.startswith("nabi ")
    assert "Interrupted" in said
    assert json.loads(path.read_text())["interrupted"] is True
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_import_nabi_does_not_load_the_bench():
    code = "import sys, nabi; print([m for m in sys.modules if m.startswith(('nabi.bench', 'nabi.cli'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- the command nabi


def test_the_command_passes_on_to_bench_and_verify(capsys):
    from nabi import cli

    assert cli.main(["bench", "--list"]) == 0
    assert "overhead/add" in capsys.readouterr().out
    assert cli.main(["verify", "--help"]) == 0
    assert "--quick" in capsys.readouterr().out
    assert cli.main(["verify", "--no-such-option"]) == 2
    assert cli.main(["bench", "lineer"]) == 2


def test_the_command_by_itself(capsys):
    import nabi
    from nabi import cli

    assert cli.main([]) == 0
    assert "nabi bench" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"nabi {nabi.__version__}\n"
    assert cli.main(["bensch"]) == 2
    assert "expected bench or verify, got 'bensch'" in capsys.readouterr().err
