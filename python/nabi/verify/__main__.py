# SPDX-License-Identifier: Apache-2.0
"""python -m nabi.verify [--quick] [--walker NAME]... [--op NAME]...: ends with 1 where something is wrong."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from nabi import _C

from .report import run
from .walkers import WALKERS


def main(arguments: list[str] | None = None) -> int:
    """Walks over the table and prints what was found; 0, or 1 where something is wrong."""
    parser = argparse.ArgumentParser(
        prog="nabi verify", description="Check nabi's operations on this machine."
    )
    parser.add_argument("--quick", action="store_true", help="tiny samples: under a minute")
    parser.add_argument("--walker", action="append", choices=[*WALKERS, "arguments"], help="only this walker")
    parser.add_argument("--op", action="append", help="only this case or kernel")
    chosen = parser.parse_args(arguments)
    print(
        f"nabi.verify: sets {', '.join(_C.available_isas())}; {_C.get_num_threads()} threads; numpy {np.__version__}"
    )
    found = run(chosen.quick, chosen.walker, chosen.op)
    print("no faults" if found == 0 else f"{found} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
