# SPDX-License-Identifier: Apache-2.0
"""device, which is the CPU."""

from __future__ import annotations

from .errors import fail


class device:
    """``device("cpu")``, the only one nabi has."""

    __slots__ = ("index", "type")

    def __init__(self, type: object = "cpu", index: int | None = None):
        name = type.type if isinstance(type, device) else str(type)
        kind, _, number = name.partition(":")
        if kind != "cpu":
            raise fail(RuntimeError, "device", "cpu (nabi runs on the CPU only)", name)
        self.type = kind
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __eq__(self, other) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))
