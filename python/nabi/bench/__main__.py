# SPDX-License-Identifier: Apache-2.0
"""``python -m nabi.bench``, which is also ``nabi bench`` and ``make bench``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from . import compare, machine, report, shapes
from .peers import CHECKOUT, SCRIPTS, Team, WorkerFailed
from .run import Bench, mean_of
from .timing import Method


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="nabi bench",
        description="Times nabi here, against PyTorch and numpy where they are installed, each in a process of its "
        "own and asked in turn. Ctrl-C ends it and keeps what was measured.",
    )
    add = found.add_argument
    add(
        "rows",
        nargs="*",
        metavar="ROW",
        help="rows or groups, patterns too (linear/64*); all of them if none",
    )
    add("--list", action="store_true", help="say what the rows are, and end")
    add(
        "--quick",
        "--smoke",
        action="store_true",
        help="see that every row runs, in seconds, without peers; the numbers mean little",
    )
    add("--against", metavar="NAMES", help=f"peers, with commas: {','.join(SCRIPTS)} (default), or none")
    add("--threads", type=int, help="threads for every library (default: as many as nabi takes)")
    add("--rounds", type=int, help="how often everyone has a turn (default: 12)")
    add("--peers", metavar="FOLDER", help="where the peers' scripts are (default: bench/ of the checkout)")
    add(
        "--json",
        nargs="?",
        const="",
        metavar="FILE",
        help="write the results (default: bench/results/<date>-<processor>-<set>-<threads>t.json)",
    )
    add(
        "--compare",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="set two JSON files side by side; exits with 1 on a regression",
    )
    return found


def main(arguments: list[str] | None = None) -> int:
    """Runs the bench; returns the exit code: 0, 1 if a row failed or regressed, 2 for a mistake, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        if options.list:
            print(shapes.listing())
            return 0
        if options.compare:
            old, new = map(compare.load, options.compare)
            text, regressed = compare.compare(old, new)
            print(text)
            return 1 if regressed else 0
        return _run(options)
    except (shapes.UnknownRow, compare.BadFile, _Mistake) as problem:
        print(problem, file=sys.stderr)
        return 2


class _Mistake(ValueError):
    pass


def _against(options) -> list[str]:
    text = options.against if options.against is not None else "none" if options.quick else ",".join(SCRIPTS)
    names = [name.strip() for name in text.split(",") if name.strip() not in ("", "none")]
    for name in names:
        if name not in SCRIPTS:
            raise _Mistake(f"nabi bench: expected peers among {', '.join(SCRIPTS)}, got {name!r}")
    return names


def _run(options) -> int:
    rows = shapes.choose(options.rows)
    against = _against(options)
    for name in ("threads", "rounds"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise _Mistake(f"nabi bench: expected --{name} of at least 1, got {value}")
    target = None
    if options.json:
        target = Path(options.json)
        if not target.resolve().parent.is_dir():
            raise _Mistake(f"nabi bench: expected a file in a folder that exists, got {options.json}")
    method = Method.quick() if options.quick else Method()
    method.rounds = options.rounds or method.rounds
    watch = machine.Watch()
    try:
        team = Team(against, options.threads, options.peers)
    except WorkerFailed as problem:
        print(f"nabi bench: nabi's own worker did not start: {problem}", file=sys.stderr)
        return 1
    found = {
        "nabi_bench": report.FORMAT,
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": machine.describe(),
        "threads": team.threads,
        "libraries": {name: worker.description for name, worker in team.workers.items()},
        "absent": team.absent,
        "method": {"rounds": method.rounds, "samples": method.samples, "seconds": method.seconds},
        "rows": [],
    }
    print(report.heading(found), flush=True)
    try:
        bench = Bench(team, method, watch)
        found["notes"] = bench.notes
        _measure_all(bench, rows, found)
    except KeyboardInterrupt:
        found["interrupted"] = True
    finally:
        found["machine"].update(watch.verdict(team.pids))
        team.close()
    print("\n" + report.closing(found), flush=True)
    if options.json is not None:
        print("Results are in", _write(found, target))
    if found.get("interrupted"):
        return 130
    return 1 if any("error" in row for row in found["rows"]) else 0


def _measure_all(bench: Bench, rows: list[shapes.Row], found: dict) -> None:
    # A group's table is printed as soon as the group is done, or cut short.
    peers = [name for name in bench.team.workers if name != "nabi"]
    if "numpy" not in peers:
        peers.append("numpy")  # the import row compares with it always
    quiet = not sys.stderr.isatty()
    for group in dict.fromkeys(row.group for row in rows):
        mine = [row for row in rows if row.group == group]
        results: list[dict] = []
        try:
            for row in mine:
                if not quiet:
                    print(f"\r\x1b[K{row.name} ...", end="", file=sys.stderr, flush=True)
                results.append(bench.measure(row))
            whole = sum(row.group == group for row in shapes.ROWS)
            mean = mean_of(group, results, whole)
            if mean is not None:
                results.append(mean)
        except KeyboardInterrupt as stop:
            if hasattr(stop, "partial"):
                results.append(stop.partial)
            raise
        finally:
            if not quiet:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            found["rows"] += results
            if results:
                print("\n" + report.group_table(group, results, peers), flush=True)


def _write(found: dict, target: Path | None) -> Path:
    if target is None:
        folder = (CHECKOUT if (CHECKOUT / "bench").is_dir() else Path.cwd()) / "bench" / "results"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / report.default_file_name(found)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.exit(main())
