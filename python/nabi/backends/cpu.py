# SPDX-License-Identifier: Apache-2.0
"""The CPU's instruction sets. The best one is chosen at import, or the one that ``NABI_ISA`` names."""

from __future__ import annotations

from .. import _C
from ..errors import fail


def get_isa() -> str:
    """The set in use: "scalar", "avx2", "avx512" or "neon"."""
    return _C.get_isa()


def available_isas() -> list[str]:
    """The sets that were built and that this CPU runs, the best last."""
    return _C.available_isas()


def set_isa(name: str) -> None:
    """Makes every later kernel call use another set.

    Raises:
        ValueError: a set that is not built or that this CPU lacks.

    Example:
        >>> import nabi
        >>> before = nabi.backends.cpu.get_isa()
        >>> nabi.backends.cpu.set_isa("scalar")
        >>> nabi.backends.cpu.get_isa()
        'scalar'
        >>> nabi.backends.cpu.set_isa(before)
    """
    if name not in _C.available_isas():
        raise fail(ValueError, "set_isa", f"one of {', '.join(_C.available_isas())}", repr(name))
    _C.set_isa(name)


def get_cpu_capability() -> str:
    """The set in use with PyTorch's names: "AVX512", "AVX2", "NEON" or "DEFAULT"."""
    return {"avx512": "AVX512", "avx2": "AVX2", "neon": "NEON"}.get(_C.get_isa(), "DEFAULT")
