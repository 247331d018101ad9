# SPDX-License-Identifier: Apache-2.0
"""An interpreter of the few pickle opcodes that a state_dict needs. It imports nothing and calls nothing by name.

Every opcode is in a table here, every global in `rebuild`; what isn't there is refused by name. Nothing recurses,
nothing is hashed before its depth is known, and each opcode pays for the memory it takes out of one budget, so that a
small file can't become large.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict

from ..errors import note
from . import rebuild

MAX_PICKLE = 1 << 28  # tensors lie outside the pickle: a model with 10,000 parameters needs 2 MB
BUDGET = 1 << 30  # bytes of Python objects, estimated from above
ENTRY = 100  # a dictionary's or set's share of one entry

_NAMES = {
    b"0": "POP", b"1": "POP_MARK", b"2": "DUP", b"F": "FLOAT", b"I": "INT", b"L": "LONG",
    b"P": "PERSID", b"S": "STRING", b"T": "BINSTRING", b"U": "SHORT_BINSTRING", b"V": "UNICODE", b"d": "DICT",
    b"g": "GET", b"i": "INST", b"l": "LIST", b"o": "OBJ", b"p": "PUT", b"B": "BINBYTES", b"C": "SHORT_BINBYTES",
    b"\x81": "NEWOBJ", b"\x82": "EXT1", b"\x83": "EXT2", b"\x84": "EXT4", b"\x8b": "LONG4", b"\x8c": "SHORT_BINUNICODE",
    b"\x8d": "BINUNICODE8", b"\x8e": "BINBYTES8", b"\x8f": "EMPTY_SET", b"\x90": "ADDITEMS", b"\x91": "FROZENSET",
    b"\x92": "NEWOBJ_EX", b"\x93": "STACK_GLOBAL", b"\x94": "MEMOIZE", b"\x95": "FRAME", b"\x96": "BYTEARRAY8",
    b"\x97": "NEXT_BUFFER", b"\x98": "READONLY_BUFFER",
}  # fmt: skip

_FLOAT = struct.Struct(">d")
_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")


def refused(sentence: str) -> Exception:
    """The exception for a pickle that holds what nabi doesn't read."""
    from pickle import UnpicklingError

    return note(UnpicklingError, "load", sentence)


class Unpickler:
    """Interpret `data`; `load_storage` turns a persistent id's tuple into a `rebuild.Storage`."""

    def __init__(self, data: bytes, load_storage) -> None:
        if len(data) > MAX_PICKLE:
            raise refused(f"a pickle of {len(data)} bytes; at most {MAX_PICKLE} are read")
        self.data = data
        self.at = 0
        self.stack: list = []
        self.marks: list[int] = []
        self.memo: dict = {}
        self.budget = BUDGET
        self.load_storage = load_storage

    def spend(self, size: int) -> None:
        """Take `size` bytes out of the budget."""
        self.budget -= size
        if self.budget < 0:
            raise refused(f"the pickle describes more than {BUDGET >> 20} MB of Python objects")

    def load(self):
        """Run the pickle and give the object it describes."""
        data, steps = self.data, _STEPS
        while True:
            if self.at >= len(data):
                raise refused("the pickle ends without STOP; the file is cut short")
            code = data[self.at]
            self.at += 1
            if code == 0x2E:  # STOP
                break
            entry = steps.get(code)
            if entry is None:
                raise refused(
                    f"unsupported opcode {_NAMES.get(bytes([code]), hex(code))} at byte {self.at - 1}"
                )
            step, cost = entry
            self.budget -= cost
            if self.budget < 0:
                self.spend(0)
            step(self)
        if len(self.stack) != 1 or self.marks:
            raise refused(f"STOP with {len(self.stack)} objects on the stack, expected 1")
        _check_complete(self.stack[0])
        return self.stack[0]

    def take(self, size: int) -> bytes:
        """Read `size` bytes of the pickle itself."""
        piece = self.data[self.at : self.at + size]
        if len(piece) != size:
            raise refused(f"the pickle ends {size - len(piece)} bytes early; the file is cut short")
        self.at += size
        return piece

    def line(self) -> str:
        """Read one line, the module or the name of a global."""
        end = self.data.find(b"\n", self.at, self.at + 512)
        if end < 0:
            raise refused(f"a global's name at byte {self.at} has no end")
        text = self.data[self.at : end].decode("utf-8", "backslashreplace")
        self.at = end + 1
        return text

    def pop(self):
        """Take the top of the stack, never from below the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise refused(f"the stack is empty at byte {self.at - 1}")
        return self.stack.pop()

    def pop_mark(self) -> list:
        """Take everything above the last mark."""
        if not self.marks:
            raise refused(f"no mark on the stack at byte {self.at - 1}")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kinds: tuple, opcode: str):
        """Give the top of the stack, which must be exactly one of `kinds`."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise refused(f"the stack is empty at byte {self.at - 1}")
        found = self.stack[-1]
        if type(found) not in kinds:
            raise refused(f"{opcode} on a {type(found).__name__}")
        return found


def _proto(u: Unpickler) -> None:
    version = u.take(1)[0]
    if version != 2:
        raise refused(f"pickle protocol {version}; torch.save writes protocol 2 unless told otherwise")


def _global(u: Unpickler) -> None:
    u.stack.append(rebuild.find_global(u.line(), u.line()))


def _put(u: Unpickler, index: int) -> None:
    found = u.pop()
    u.stack.append(found)
    u.memo[index] = found


def _get(u: Unpickler, index: int) -> None:
    if index not in u.memo:
        raise refused(f"memo {index} is read before it is written")
    u.stack.append(u.memo[index])


def _text(u: Unpickler) -> None:
    raw = u.take(_UINT32.unpack(u.take(4))[0])
    u.spend(len(raw))
    try:
        u.stack.append(raw.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        raise refused(f"a text that isn't UTF-8: {raw[:40]!r}") from None


def _tuple(u: Unpickler, count: int) -> None:
    items = [u.pop() for _ in range(count)]
    u.stack.append(tuple(reversed(items)))


def _append(u: Unpickler) -> None:
    item = u.pop()
    u.top((list,), "APPEND").append(item)


def _appends(u: Unpickler) -> None:
    items = u.pop_mark()
    u.top((list,), "APPENDS").extend(items)


def _set_items(u: Unpickler, items: list) -> None:
    target = u.top((dict, OrderedDict, Counter), "SETITEM")
    if len(items) % 2:
        raise refused("SETITEMS with a key but no value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        check_key(u, key)
        target[key] = value


def _set_item(u: Unpickler) -> None:
    value = u.pop()
    _set_items(u, [u.pop(), value])


def _persistent(u: Unpickler) -> None:
    u.stack.append(u.load_storage(u.pop()))


def _reduce(u: Unpickler) -> None:
    arguments = u.pop()
    function = u.pop()
    if type(function) is not rebuild.Global or function.call is None:
        raise refused(f"REDUCE of {getattr(function, 'name', None) or type(function).__name__}")
    if type(arguments) is not tuple:
        raise refused(f"REDUCE of {function.name} with a {type(arguments).__name__}, expected a tuple")
    u.stack.append(function.call(u, arguments))


def _build(u: Unpickler) -> None:
    state = u.pop()
    target = u.top((OrderedDict,), "BUILD")
    if type(state) is not dict or any(type(key) is not str or key != "_metadata" for key in state):
        raise refused("BUILD of an OrderedDict with more than the `_metadata` of a state_dict")
    target.__dict__.update(state)


def check_key(u: Unpickler, key) -> None:
    """Pay for an entry; refuse keys that can't be hashed, or whose hash or comparison could take for ever."""
    waiting, parts = [key], 0
    while waiting:
        part = waiting.pop()
        parts += 1
        if parts > rebuild.KEY_PARTS:
            raise refused(f"a key with more than {rebuild.KEY_PARTS} parts")
        if isinstance(part, tuple):
            waiting.extend(part[: rebuild.KEY_PARTS])
        elif type(part) in (str, bytes):
            u.spend(len(part))
        elif type(part) is int:
            # Larger ones are easily chosen to share one hash, which makes a dictionary quadratic.
            if not -(1 << 63) <= part < 1 << 63:
                raise refused("an integer key beyond 64 bits")
        elif part is not None and type(part) not in (float, bool) and not rebuild.is_constant(part):
            raise refused(f"a key of type {type(part).__name__}")
    u.spend(ENTRY * parts)


def _check_complete(result) -> None:
    """Refuse a result in which a bare function or storage is left."""
    waiting, seen = [result], set()
    while waiting:
        part = waiting.pop()
        kind = type(part)
        if kind is rebuild.Global:
            raise refused(f"global {part.name} as a value")
        if kind is rebuild.Storage:
            raise refused("a bare storage; save the tensor instead")
        if kind in (list, tuple, dict, OrderedDict, Counter) and id(part) not in seen:
            seen.add(id(part))
            waiting.extend(part if kind in (list, tuple) else part.values())
            waiting.extend(vars(part).values() if kind is OrderedDict else ())


# opcode: what it does, bytes of memory it may take (its object, its place on the stack, in the memo, in a list)
_STEPS = {
    b"\x80": (_proto, 0),
    b"c": (_global, 16),
    b"(": (lambda u: u.marks.append(len(u.stack)), 40),
    b"q": (lambda u: _put(u, u.take(1)[0]), 0),
    b"r": (lambda u: _put(u, _UINT32.unpack(u.take(4))[0]), 140),
    b"h": (lambda u: _get(u, u.take(1)[0]), 16),
    b"j": (lambda u: _get(u, _UINT32.unpack(u.take(4))[0]), 16),
    b"N": (lambda u: u.stack.append(None), 16),
    b"\x88": (lambda u: u.stack.append(True), 16),
    b"\x89": (lambda u: u.stack.append(False), 16),
    b"K": (lambda u: u.stack.append(u.take(1)[0]), 16),
    b"M": (lambda u: u.stack.append(_UINT16.unpack(u.take(2))[0]), 48),
    b"J": (lambda u: u.stack.append(_INT32.unpack(u.take(4))[0]), 48),
    b"\x8a": (lambda u: u.stack.append(int.from_bytes(u.take(u.take(1)[0]), "little", signed=True)), 340),
    b"G": (lambda u: u.stack.append(_FLOAT.unpack(u.take(8))[0]), 48),
    b"X": (_text, 96),
    b"]": (lambda u: u.stack.append([]), 80),
    b"}": (lambda u: u.stack.append({}), 80),
    b")": (lambda u: u.stack.append(()), 16),
    b"\x85": (lambda u: _tuple(u, 1), 80),
    b"\x86": (lambda u: _tuple(u, 2), 80),
    b"\x87": (lambda u: _tuple(u, 3), 80),
    b"t": (lambda u: u.stack.append(tuple(u.pop_mark())), 80),
    b"a": (_append, 48),
    b"e": (_appends, 48),
    b"s": (_set_item, 0),
    b"u": (lambda u: _set_items(u, u.pop_mark()), 0),
    b"Q": (_persistent, 16),
    b"R": (_reduce, 1000),
    b"b": (_build, 300),
}
_STEPS = {code[0]: step for code, step in _STEPS.items()}
