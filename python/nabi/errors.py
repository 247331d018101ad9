# SPDX-License-Identifier: Apache-2.0
"""One form for every message: what was called, what it expected, what it got.

An exception made here (or by the extension) carries ``nabi_op``; ``nn.Module`` adds its path to those and leaves
everybody else's alone.
"""

from __future__ import annotations


def note(kind: type[Exception], op: str, sentence: str) -> Exception:
    """An exception of class ``kind`` that says ``op: sentence``."""
    error = kind(f"{op}: {sentence}")
    error.nabi_op = op
    return error


def fail(kind: type[Exception], op: str, expected: object, got: object) -> Exception:
    """An exception of class ``kind`` that says ``op: expected ..., got ...``."""
    return note(kind, op, f"expected {expected}, got {got}")


def unsupported(name: str, instead: str) -> NotImplementedError:
    """What a name of PyTorch's that nabi lacks raises: a sentence with what to use instead."""
    return note(NotImplementedError, name, f"nabi does not support this; {instead}")
