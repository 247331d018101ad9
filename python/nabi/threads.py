# SPDX-License-Identifier: Apache-2.0
"""How many threads compute, and how much memory the buffer pool holds."""

from __future__ import annotations

from . import _C
from .errors import fail


def get_num_threads() -> int:
    """The threads a kernel may use: the user's count, else what affinity, cgroup quota and OpenMP allow."""
    return _C.get_num_threads()


def set_num_threads(count: int) -> None:
    """Sets the number of threads. It never changes a bit of any result.

    Raises:
        TypeError: not an int. RuntimeError: less than 1.
    """
    if isinstance(count, bool) or not hasattr(count, "__index__"):
        raise fail(TypeError, "set_num_threads", "an int", type(count).__name__)
    if count.__index__() < 1:
        raise fail(RuntimeError, "set_num_threads", "a positive number of threads", count)
    _C.set_num_threads(count.__index__())


def memory_stats() -> dict[str, int]:
    """The buffer pool: bytes allocated now and at most, bytes cached, allocations, those served from the cache."""
    return _C.memory_stats()
