# SPDX-License-Identifier: Apache-2.0
"""Measures rows: asks the workers in turn, or does what only a fresh process or the disk can answer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import machine
from .peers import CHECKOUT, ONE_THREAD, PEAK, NotHere, Team, Worker, WorkerFailed, environment
from .shapes import MEANS, Row
from .timing import Method, geometric_mean, interleave, paired_ratio, summary

# Best first to be compared with: the one whose API this is.
PEERS = ("torch", "numpy")
# What several threads' peak is at least, in multiples of one thread's.
LEAST_SCALING = 1.2


class _PeerFailed(Exception):
    pass


def _needed(name: str, problem: WorkerFailed) -> None:
    # Without a peer a row has a column less; without nabi there is no row.
    if name == "nabi":
        raise problem


class Bench:
    """One run: a team of workers, a way to measure, a watch on the machine.

    Args:
        team: who is asked.
        method: for how long.
        watch: notices what else runs.
    """

    def __init__(self, team: Team, method: Method, watch: machine.Watch):
        self.team, self.method, self.watch = team, method, watch
        self.peaks: dict[int, float] = {}
        self.notes: dict[str, str] = {}

    def measure(self, row: Row) -> dict:
        """One row's result. What goes wrong is in it, as ``error``: the next row can still be measured.

        A KeyboardInterrupt passes, with the part that was measured as its ``partial``, if there is any.
        """
        result = {"name": row.name, "what": row.what, "kind": row.kind}
        try:
            found = getattr(self, "_" + row.kind)(row)
        except WorkerFailed as problem:
            return {**result, "error": str(problem)}
        except NotHere as reason:
            return {**result, "skipped": str(reason)}
        except KeyboardInterrupt as stop:
            if getattr(stop, "measured", None):
                stop.partial = {**result, **self._judged(row, stop.measured)}
            raise
        return {**result, **found}

    def _judged(self, row: Row, rounds: dict[str, list[list[float]]]) -> dict:
        # Samples of every round, to what the table shows.
        result = {
            "seconds": {name: summary([s for turn in turns for s in turn]) for name, turns in rounds.items()},
            "ratios": {
                name: paired_ratio(rounds["nabi"], turns) for name, turns in rounds.items() if name != "nabi"
            },
        }
        if row.flops:
            best = {name: row.flops / found["minimum"] * 1e-9 for name, found in result["seconds"].items()}
            result["gflops"] = best
            if PEAK in rounds:
                result["of_peak"] = {
                    name: 1 / paired_ratio(turns, rounds[PEAK])["median"] for name, turns in rounds.items()
                }
            elif not (row.isa or row.threads or _is_double(row)):
                peak = self._peak_of(self.team.threads, at_least=max(best.values()))
                if peak:
                    result["of_peak"] = {name: value / peak for name, value in best.items()}
        result["verdicts"] = verdicts(row.targets, result["ratios"], row.speeds)
        if PEAK in rounds and (result["of_peak"]["nabi"] > 1 or best["nabi"] > best[PEAK]):
            # Work cannot be faster than registers: somebody else had the CPUs when the peak was measured.
            _leave_peak_out(result, "faster than the peak of the same rounds")
        return result

    def _crew(self, row: Row) -> dict[str, Worker]:
        # Who is timed: nabi as the row wants it, its rivals among nabi's own, then the peers.
        team = self.team.workers
        crew = {"nabi": self.team.nabi(row.isa, row.threads) if row.isa or row.threads else team["nabi"]}
        if ONE_THREAD in row.speeds:
            crew[ONE_THREAD] = self.team.nabi(row.isa, 1)
            if crew[ONE_THREAD] is crew["nabi"]:
                raise NotHere("it needs several threads, nabi has 1")
        return crew if row.alone else {**crew, **{name: team[name] for name in team if name not in crew}}

    def _time(self, row: Row) -> dict:
        crew = self._crew(row)
        calls, missing = {}, {}
        for name, worker in crew.items():
            try:
                if worker.ask("prepare", workload=row.workload, options=row.options)["prepared"]:
                    calls[name] = worker.ask("calls", seconds=self.method.seconds)["calls"]
            except WorkerFailed as problem:
                _needed(name, problem)
                missing[name] = str(problem)

        def turn(name: str) -> list[float]:
            try:
                return crew[name].ask(
                    "time", calls=calls[name], samples=self.method.samples, most=self.method.turn
                )["seconds"]
            except WorkerFailed as problem:
                _needed(name, problem)
                missing[name] = str(problem)
                raise _PeerFailed(name) from None

        threads = row.threads or self.team.threads

        def peak(threads: int) -> float:
            options = {"threads": threads, "double": _is_double(row)}
            return crew["nabi"].ask("measure", what="peak", options=options)["value"]

        while True:
            turns = {name: lambda name=name: turn(name) for name in calls}
            if PEAK in row.speeds:
                # Right after nabi's turn, for the machine is as fast then as it was a moment ago.
                turns = {
                    "nabi": turns.pop("nabi"),
                    PEAK: lambda: [row.flops / (peak(threads) * 1e9)],
                    **turns,
                }
            try:
                rounds = interleave(turns, self.method, self.watch.tick)
                break
            except _PeerFailed as problem:
                # Its rounds are of no use any more; the others start again without it.
                del calls[problem.args[0]]
        for name in calls:
            crew[name].ask("drop")
        result = self._judged(row, rounds)
        if PEAK in rounds and threads > 1 and result["gflops"][PEAK] < LEAST_SCALING * peak(1):
            _leave_peak_out(
                result, f"{threads} threads never ran at the same time when the peak was measured"
            )
        if row.isa and crew["nabi"] is self.team.workers["nabi"]:
            result.setdefault("note", f"{row.isa} is what nabi computes with here anyway")
        return {**result, "missing": missing} if missing else result

    def _peak_of(self, threads: int, at_least: float = 0.0) -> float:
        # Fractions are of the same run's peak, in float32. What work reaches, registers reach: a peak below it was
        # disturbed, and is measured again.
        for _ in range(3):
            for count in {1, threads}:
                if self.peaks.get(count, 0.0) < at_least * count / threads:
                    self.peaks[count] = max(
                        self.peaks.get(count, 0.0), self._best("peak", {"threads": count})
                    )
        for count in {1, threads} - set(self.peaks):
            self.peaks[count] = self._best("peak", {"threads": count})
        if threads > 1 and self.peaks[threads] < LEAST_SCALING * self.peaks[1]:
            # Nothing scales as well as registers: what was measured is somebody else's use of the other cores.
            self.notes["peak"] = (
                f"{threads} threads did not run at the same time; 'of peak' takes {threads} x one thread's "
                f"{self.peaks[1]:.0f} GFLOP/s"
            )
            return threads * self.peaks[1]
        return self.peaks[threads]

    def _best(self, what: str, options: dict, times: int = 1) -> float:
        worker = self.team.workers["nabi"]
        return max(worker.ask("measure", what=what, options=options)["value"] for _ in range(times))

    def _peak(self, row: Row) -> dict:
        threads = row.options.get("threads", self.team.threads)
        value = self._best(
            "peak", {**row.options, "threads": threads}, times=1 if self.method.rounds < 5 else 2
        )
        if not row.options.get("double"):
            value = self.peaks[threads] = max(value, self.peaks.get(threads, 0.0))
        result = {"value": value, "unit": "GFLOP/s"}
        if threads > 1:
            alone = self._best("peak", {**row.options, "threads": 1})
            if value < 1.2 * alone:
                result["note"] = (
                    f"one thread alone reaches {alone:.0f}: its threads did not run at the same time"
                )
        return result

    def _bandwidth(self, row: Row) -> dict:
        return {"value": self._best("bandwidth", row.options), "unit": "GB/s"}

    def _import(self, row: Row) -> dict:
        names = [name for name in self.team.workers if name == "nabi" or name in PEERS]
        if "numpy" not in names:
            names.append("numpy")  # nabi cannot do without it: it is here
        for name in names:
            _seconds_of_import(name, self.team.threads)
        rounds = interleave(
            {name: lambda name=name: [_seconds_of_import(name, self.team.threads)] for name in names},
            self.method,
            self.watch.tick,
        )
        result = self._judged(row, rounds)
        if _is_editable():
            result["note"] = "this nabi is an editable install, whose import hook takes part of the time"
        return result

    def _size(self, row: Row) -> dict:
        sizes = {name: machine.installed_bytes(name) for name in ("nabi", *PEERS)}
        megabytes = {name: size / 1e6 for name, size in sizes.items() if size is not None}
        return {
            "value": megabytes["nabi"],
            "unit": "MB",
            "others": {name: value for name, value in megabytes.items() if name != "nabi"},
            "verdicts": _within(row.limit, megabytes["nabi"]),
        }

    def _install(self, row: Row) -> dict:
        if not (CHECKOUT / ".git").exists():
            return {"error": "pip install . needs a checkout of nabi's repository"}
        with tempfile.TemporaryDirectory() as folder:
            clean, site = f"{folder}/checkout", f"{folder}/site"
            try:
                # What is committed, without the developer's build folder.
                _run(["git", "clone", "--quiet", str(CHECKOUT), clean])
                start = time.perf_counter()
                _run([sys.executable, "-m", "pip", "install", "--no-deps", "--target", site, clean])
            except (OSError, subprocess.CalledProcessError) as problem:
                return {"error": f"pip install . did not work: {_reason(problem)}"}
            seconds = time.perf_counter() - start
            size = sum(file.stat().st_size for file in Path(site).rglob("*") if file.is_file())
        return {
            "value": seconds,
            "unit": "s",
            "note": f"the installed files take {size / 1e6:.1f} MB",
            "verdicts": _within(row.limit, seconds),
        }


def _run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, check=True, capture_output=True, env=environment())


def _reason(problem: Exception) -> str:
    # The first line that says "error:", else the last one.
    said = b"".join(getattr(problem, name, b"") or b"" for name in ("stdout", "stderr"))
    lines = said.decode(errors="replace").strip().splitlines()
    return next((line.strip() for line in lines if "error:" in line), (lines or [str(problem)])[-1])


def _seconds_of_import(name: str, threads: int) -> float:
    code = f"import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment(threads)
        )
    except subprocess.CalledProcessError as problem:
        last = (problem.stderr or "").strip().splitlines()[-1:]
        raise WorkerFailed(f"import {name}: {''.join(last)}") from None
    return float(done.stdout.split()[-1])


def _is_editable() -> bool:
    import nabi
    from nabi import _C

    return Path(_C.__file__).resolve().parent != Path(nabi.__file__).resolve().parent


def _is_double(row: Row) -> bool:
    return row.options.get("dtype") == "float64"


def _leave_peak_out(result: dict, why: str) -> None:
    result["verdicts"] = [verdict for verdict in result["verdicts"] if verdict["against"] != PEAK]
    result["note"] = f"not judged by its peak, which was disturbed: {why}"


def verdicts(
    targets: dict[str, float], ratios: dict[str, dict], speeds: dict[str, float] | None = None
) -> list[dict]:
    """For every target whose rival was there: the limit, and whether the median ratio keeps it.

    Args:
        targets: {rival: the largest ratio of times}.
        ratios: {rival: the ratio of times, as paired_ratio returns it}.
        speeds: {rival: the least ratio of speeds}, which is the inverse of that of times.

    Example:
        >>> verdicts({"torch": 0.8}, {"torch": {"median": 0.9, "low": 0.7, "high": 1.1}})
        [{'against': 'torch', 'limit': 0.8, 'met': False}]
        >>> verdicts({}, {"peak": {"median": 1.25, "low": 1.2, "high": 1.3}}, {"peak": 0.75})
        [{'against': 'peak', 'speed': 0.75, 'met': True}]
    """
    of_time = [
        {"against": rival, "limit": limit, "met": ratios[rival]["median"] <= limit}
        for rival, limit in targets.items()
        if rival in ratios
    ]
    of_speed = [
        {"against": rival, "speed": least, "met": 1 / ratios[rival]["median"] >= least}
        for rival, least in (speeds or {}).items()
        if rival in ratios
    ]
    return of_time + of_speed


def _within(limit: float | None, value: float) -> list[dict]:
    return [] if limit is None else [{"against": "", "limit": limit, "met": value <= limit}]


def mean_of(group: str, results: list[dict], wanted: int) -> dict | None:
    """The row of a group's geometric mean, or None where the group has none, or not all of its rows were measured."""
    if group not in MEANS:
        return None
    peer, limit = MEANS[group]
    ratios = [row["ratios"][peer] for row in results if peer in row.get("ratios", {})]
    if len(ratios) < wanted or not ratios:
        return None
    combined = {key: geometric_mean([ratio[key] for ratio in ratios]) for key in ("median", "low", "high")}
    return {
        "name": f"{group}/geometric-mean",
        "what": f"geometric mean of the {len(ratios)} rows above",
        "kind": "mean",
        "ratios": {peer: {**combined, "rounds": min(ratio["rounds"] for ratio in ratios)}},
        "verdicts": verdicts({peer: limit}, {peer: combined}),
    }
