# SPDX-License-Identifier: Apache-2.0
"""The command ``nabi``: a name for what ``python -m nabi.bench`` and ``python -m nabi.verify`` do."""

from __future__ import annotations

import sys

_USAGE = """usage: nabi COMMAND [options]

  nabi bench    how fast nabi is here, against PyTorch and numpy
  nabi verify   check every operation here against its definition

nabi COMMAND --help says more; nabi --version says which one this is."""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        arguments: what follows the word ``nabi``; those of the process if None.

    Example:
        >>> from nabi.cli import main
        >>> main(["--version"])
        nabi 0.1.0
        0
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = arguments[0] if arguments else "--help"
    if command == "bench":
        from .bench.__main__ import main as bench

        return bench(arguments[1:])
    if command == "verify":
        return _verify(arguments[1:])
    if command in ("-h", "--help", "help"):
        print(_USAGE)
        return 0
    if command in ("-V", "--version"):
        from . import __version__

        print("nabi", __version__)
        return 0
    print(f"nabi: expected bench or verify, got {command!r}\n\n{_USAGE}", file=sys.stderr)
    return 2


def _verify(arguments: list[str]) -> int:
    # nabi.verify is a program, not a function: it reads the arguments of the process and exits.
    import runpy

    before = sys.argv
    sys.argv = ["nabi verify", *arguments]
    try:
        runpy.run_module("nabi.verify", run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.argv = before
    return 0


if __name__ == "__main__":
    sys.exit(main())
