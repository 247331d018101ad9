# SPDX-License-Identifier: Apache-2.0
"""nabi bench's rows with a least speed: against the peak, one thread, a peer; with another set; skipped ones."""

from __future__ import annotations

import pytest

from nabi.bench import machine, peers, report, run, shapes, timing


def test_every_product_has_its_operations_and_its_targets():
    rows = {row.name: row for row in shapes.ROWS if row.workload == "matmul"}
    for name, row in rows.items():
        m, n, k = (row.options[each] for each in "mnk")
        assert row.flops == 2 * m * n * k
        assert row.speeds, name
        if row.group == "gemm":
            assert row.label.startswith(f"{m}x{n}x{k}")
        else:
            # batch x outputs x inputs, whichever of the three products it is
            assert sorted(map(int, row.label.split("-")[0].split("x"))) == sorted((m, n, k))
    assert rows["gemm/512x512x512"].speeds == {"peak": 0.85, "numpy": 0.97}
    assert rows["gemm/2048x2048x2048-avx2"].speeds == {"peak": 0.88}
    assert len([name for name in rows if name.startswith("gemm-layers")]) == 3 * 6


class Scripted:
    """A worker whose times and peaks are given, one a turn; ``turns`` remembers who was asked when."""

    def __init__(self, name: str, turns: list, times: list[float], peaks: list[float] = ()):
        self.name, self.turns, self.times, self.peaks = name, turns, list(times), list(peaks)
        self.description = {"isa": "avx2", "isas": ["scalar", "avx2"]}

    def ask(self, do, **options):
        if do == "time":
            self.turns.append(self.name)
            return {"seconds": [self.times.pop(0)]}
        if do == "measure":
            self.turns.append(f"peak {options['options']}")
            return {"value": self.peaks.pop(0)}
        return {"prepared": True, "calls": 1}


def scripted(row: shapes.Row, times: list[float], peaks: list[float] = (), others: list[float] = ()):
    """(What a bench of three rounds says of the row, the turns)."""
    turns: list[str] = []

    class Team(peers.Team):
        def __init__(self):
            self.workers = {"nabi": Scripted("nabi", turns, times, peaks)}
            self.workers["numpy"] = Scripted("numpy", turns, [0.01] * 3)
            self._others = {("avx2", 1): Scripted("1-thread", turns, others)}
            self.threads = 2

    return run.Bench(Team(), timing.Method(rounds=3), machine.Watch()).measure(row), turns


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fraction_of_peak_is_of_the_same_rounds(dtype):
    options = {"dtype": dtype}
    row = shapes.Row(
        "gemm/1", "", "time", "matmul", options, flops=10**9, speeds={"peak": 0.85, "numpy": 0.97}
    )
    # The machine is half as fast in the second round: 80, 40, 100 GFLOP/s of 100, 50, 100.
    found, turns = scripted(row, [1 / 80, 1 / 40, 1 / 100], [100.0, 50.0, 100.0, 60.0])
    peak = "peak {'threads': %d, 'double': " + str(dtype == "float64") + "}"
    assert turns == [*["nabi", peak % 2, "numpy"] * 3, peak % 1]
    assert found["of_peak"]["nabi"] == pytest.approx(0.8)
    assert found["gflops"]["peak"] == pytest.approx(100.0)
    assert found["verdicts"] == [
        {"against": "peak", "speed": 0.85, "met": False},
        {"against": "numpy", "speed": 0.97, "met": False},
    ]
    table = report.group_table("gemm", [found], ["numpy"])
    assert "80.0%" in table
    assert "speed >= 0.85 of peak: MISSED?, speed >= 0.97 of numpy: MISSED" in table
    assert "nabi/peak" not in table
    found, _ = scripted(row, [0.01] * 3, [110.0] * 3 + [60.0])
    assert [verdict["met"] for verdict in found["verdicts"]] == [True, True]


@pytest.mark.parametrize(
    "times, peaks, why",
    [
        ([0.01] * 3, [60.0, 70.0, 120.0, 60.0], "faster than the peak"),  # in most rounds
        ([0.01, 0.02, 0.02], [99.0, 60.0, 60.0, 49.0], "faster than the peak"),  # in the best of them
        ([0.02] * 3, [60.0, 60.0, 60.0, 58.0], "never ran at the same time"),
    ],
)
def test_a_disturbed_peak_judges_nothing(times, peaks, why):
    row = shapes.Row("gemm/1", "", workload="matmul", flops=10**9, speeds={"peak": 0.85, "numpy": 0.97})
    found, _ = scripted(row, times, peaks)
    assert [verdict["against"] for verdict in found["verdicts"]] == ["numpy"]
    assert "disturbed" in found["note"] and why in found["note"]
    assert found["note"] in report.group_table("gemm", [found], ["numpy"])


def test_a_verdict_within_the_noise_has_a_question_mark():
    row = shapes.Row("gemm/1", "", workload="matmul", targets={"numpy": 1.0}, speeds={"numpy": 0.97})
    found, _ = scripted(row, [0.008, 0.0102, 0.0106])
    table = report.group_table("gemm", [found], ["numpy"])
    assert "<= 1 of numpy: MISSED?, speed >= 0.97 of numpy: met?" in table
    found, _ = scripted(row, [0.0105, 0.0106, 0.0107])
    assert "<= 1 of numpy: MISSED, speed >= 0.97 of numpy: MISSED" in report.group_table(
        "gemm", [found], ["numpy"]
    )


@pytest.mark.parametrize("others, met", [([0.019, 0.0195, 0.02], True), ([0.018, 0.0185, 0.02], False)])
def test_threads_are_compared_with_one_thread(others, met):
    row = shapes.Row("gemm/1", "", workload="matmul", threads=2, alone=True, speeds={"1-thread": 1.9})
    found, turns = scripted(row, [0.01] * 3, others=others)
    assert turns == ["nabi", "1-thread"] * 3  # and not numpy
    assert found["verdicts"] == [{"against": "1-thread", "speed": 1.9, "met": met}]
    table = report.group_table("gemm", [found], ["numpy"])
    assert f"speed >= 1.9 of 1 thread: {'met' if met else 'MISSED'}" in table
    assert "1: 1 thread " in table


def test_a_set_of_its_own_says_when_it_runs_anyway():
    row = shapes.Row("gemm/1", "", workload="matmul", isa="avx2", alone=True)
    assert "anyway" in scripted(row, [0.01] * 3)[0]["note"]


@pytest.mark.parametrize(
    "more, why",
    [
        ({"isa": "neon"}, "no neon here"),
        ({"threads": 4}, "needs 4 threads"),
        ({"threads": 1, "speeds": {"1-thread": 1.9}}, "needs several threads"),
    ],
)
def test_what_cannot_run_here_is_skipped_and_is_no_failure(more, why):
    found, turns = scripted(shapes.Row("gemm/1", "", workload="matmul", **more), [])
    assert turns == []
    assert why in found["skipped"]
    assert "error" not in found
    table = report.group_table("gemm", [found], ["numpy"])
    assert f"1: skipped: {found['skipped']}" in table
    assert report.closing({"rows": [found], "machine": {}}) == ""
