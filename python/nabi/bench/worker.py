# SPDX-License-Identifier: Apache-2.0
"""A process that prepares workloads and times them when asked: one JSON object a line in, one out.

nabi's own worker is ``python -m nabi.bench.worker``. Peers' scripts (``bench/torch_peer.py``) put this folder on their
path, import this file by its plain name, and never import nabi. So it knows the standard library only.

    {"do": "describe"}                                     {"name": ..., "version": ..., "threads": ...}
    {"do": "prepare", "workload": ..., "options": {...}}   {"prepared": true}, or false where the peer has no such work
    {"do": "calls", "seconds": 0.01}                       {"calls": 1200}: so many take about that long
    {"do": "time", "calls": 1200, "samples": 5, "most": 1} {"seconds": [one call's time in each sample]}: after "most"
                                                           seconds no more than three
    {"do": "measure", "what": ..., "options": {...}}       {"value": ...}
    {"do": "drop"}                                         {}: forgets what was prepared
An exception is answered with {"error": "TypeError: ..."}, and the worker goes on. It ends when its input ends.
"""

from __future__ import annotations

import gc
import itertools
import json
import math
import os
import sys
import time


def serve(describe, prepare, measure=None) -> None:
    """Answers requests until the input ends.

    Args:
        describe: () -> dict about the library.
        prepare: (workload, options) -> a callable without arguments, or None where there is no such work.
        measure: (what, options) -> a number.
    """
    # Whatever prints goes to the error stream: a line of the protocol must not be torn.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    desk = Desk(describe, prepare, measure)
    for line in sys.stdin:
        try:
            answer = desk.answer(json.loads(line))
        except Exception as problem:
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Desk:
    """What answers one request."""

    def __init__(self, describe, prepare, measure=None):
        self._describe, self._prepare, self._measure = describe, prepare, measure
        self._call = None

    def answer(self, request: dict) -> dict:
        do = request.get("do")
        if do == "describe":
            return self._describe()
        if do == "prepare":
            self._call = None
            self._call = self._prepare(request["workload"], request["options"])
            gc.collect()
            return {"prepared": self._call is not None}
        if do == "drop":
            self._call = None
            return {}
        if do == "measure":
            if self._measure is None:
                raise ValueError(f"worker: expected nabi's own worker for {request['what']!r}")
            return {"value": self._measure(request["what"], request["options"])}
        if do in ("calls", "time"):
            if self._call is None:
                raise ValueError(f"worker: expected prepare before {do}")
            if do == "calls":
                return {"calls": calls_for(self._call, request["seconds"])}
            found = time_samples(
                self._call, request["calls"], request["samples"], most=request.get("most", math.inf)
            )
            settle()
            return {"seconds": found}
        raise ValueError(f"worker: expected describe, prepare, calls, time, measure or drop, got {do!r}")


def calls_for(call, seconds: float) -> int:
    """How many calls take about ``seconds``; at least one. What is built up on first calls is built up on the way."""
    call()
    calls = 1
    while True:
        elapsed = min(time_samples(call, calls, 3, warm=False)) * calls
        if elapsed >= seconds / 2:
            return max(1, round(calls * seconds / elapsed))
        calls = calls * 2 if elapsed <= 0 else min(calls * 8, max(calls * 2, int(calls * seconds / elapsed)))


def time_samples(call, calls: int, samples: int, warm: bool = True, most: float = math.inf) -> list[float]:
    """Seconds of one call, measured ``samples`` times over ``calls`` calls. The collector runs as in any script.

    A call of a tenth of a second need not be repeated like one of a microsecond: after ``most`` seconds three samples
    are enough.
    """
    if warm:
        # The other process ran just now: caches, the clock and sleeping threads come back first.
        for _ in range(max(1, calls // 4)):
            call()
    found: list[float] = []
    begin = time.perf_counter()
    for _ in range(samples):
        if len(found) >= 3 and time.perf_counter() - begin > most:
            break
        turns = itertools.repeat(None, calls)
        start = time.perf_counter()
        for _ in turns:
            call()
        found.append((time.perf_counter() - start) / calls)
    return found


def settle(step: float = 0.01, turns: int = 50) -> None:
    """Returns when this process's threads sleep, after ``turns`` steps at the latest.

    Threads wait for more work on a CPU, OpenBLAS's for over a tenth of a second: the next process would be timed against
    them.
    """
    for _ in range(turns):
        before = time.process_time()
        time.sleep(step)
        if time.process_time() - before < step / 10:
            return


def _nabi() -> None:
    import numpy

    import nabi
    from nabi import _C
    from nabi.bench import workloads

    threads = os.environ.get("NABI_BENCH_THREADS")
    if threads:
        nabi.set_num_threads(int(threads))

    def describe():
        isa = _C.get_isa()
        return {
            "name": "nabi",
            "version": nabi.__version__,
            "threads": nabi.get_num_threads(),
            "isa": isa,
            "isas": _C.available_isas(),
            "isa_description": _C.isa_description(),
            "numpy": numpy.__version__,
        }

    def measure(what, options):
        wanted = options.get("threads") or nabi.get_num_threads()
        if what == "peak":
            return _C.measure_peak_gflops(_C.get_isa(), wanted, options.get("double", False))
        if what == "bandwidth":
            return _C.measure_bandwidth_gbs(options.get("bytes", 0), wanted)
        raise ValueError(f"worker: expected peak or bandwidth, got {what!r}")

    serve(describe, lambda workload, options: workloads.prepare(nabi, workload, options), measure)


if __name__ == "__main__":
    _nabi()
