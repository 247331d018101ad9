# SPDX-License-Identifier: Apache-2.0
"""Write the opcodes of pickle protocol 2 that PyTorch's weights-only reader takes, under PyTorch's names."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict

import numpy as np

from ..dtype import dtype
from ..errors import note
from ..tensor import Size, Tensor
from .rebuild import KEY_PARTS, STORAGES, is_constant
from .reduce import attributes
from .storage import identity, locate

MAX_DEPTH = 100
STORAGE_NAMES = {found: name for name, found in STORAGES.items()}
HINTS = {
    "Module": "save its state_dict()",
    "Optimizer": "save its state_dict()",
    "ndarray": "save nabi.from_numpy(array)",
    "generic": "save value.item()",
    "Generator": "save its get_state()",
}


class Pickler:
    """Turns an object into opcodes; `storages` collects the tensors' storages in the order of their first use."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.memo: dict = {}
        self.kept: list = []  # what the memo knows by id must live until the end
        self.storages: list[np.ndarray] = []
        self.places: dict = {}
        self.open_tuples: set[int] = set()

    def dump(self, value) -> bytes:
        """Give the pickle of `value`."""
        self.out += b"\x80\x02"
        self.write(value, "obj", 0)
        self.out += b"."
        return bytes(self.out)

    def write(self, value, path: str, depth: int) -> None:
        """Write one value; `path` is how a user would reach it."""
        if depth > MAX_DEPTH:
            raise note(ValueError, "save", f"more than {MAX_DEPTH} levels of containers at {path[:200]}...")
        kind = type(value)
        writer = _WRITERS.get(kind)
        if writer is not None:
            writer(self, value, path, depth)
        elif isinstance(value, Tensor):
            self._tensor(value, path)
        elif isinstance(value, dtype):
            self._global("torch", value.name)
        elif is_constant(value):
            self._call("torch", "device", (value.type,) if value.index is None else (value.type, value.index))
        else:
            raise self._refused(value, path)

    def _refused(self, value, path: str) -> Exception:
        kind = type(value)
        hint = next((HINTS[base.__name__] for base in kind.__mro__ if base.__name__ in HINTS), None)
        sentence = f"{path} is a {kind.__module__}.{kind.__qualname__}, which PyTorch's weights-only format doesn't hold"
        return note(TypeError, "save", f"{sentence}; {hint}" if hint else sentence)

    # Memo

    def _remember(self, key) -> None:
        index = len(self.memo)
        self.memo[key] = index
        self.out += b"q%c" % index if index < 256 else b"r" + struct.pack("<I", index)

    def _recall(self, key) -> bool:
        index = self.memo.get(key)
        if index is None:
            return False
        self.out += b"h%c" % index if index < 256 else b"j" + struct.pack("<I", index)
        return True

    def _global(self, module: str, name: str) -> None:
        if not self._recall((module, name)):
            self.out += f"c{module}\n{name}\n".encode()
            self._remember((module, name))

    def _call(self, module: str, name: str, arguments: tuple) -> None:
        self._global(module, name)
        self.write(arguments, name, 0)
        self.out += b"R"

    # Scalars

    def _none(self, value, path, depth) -> None:
        self.out += b"N"

    def _bool(self, value, path, depth) -> None:
        self.out += b"\x88" if value else b"\x89"

    def _int(self, value, path, depth) -> None:
        if 0 <= value < 256:
            self.out += b"K%c" % value
        elif 0 <= value < 65536:
            self.out += b"M" + struct.pack("<H", value)
        elif -(1 << 31) <= value < 1 << 31:
            self.out += b"J" + struct.pack("<i", value)
        else:
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            if len(raw) > 255:
                raise note(
                    ValueError, "save", f"{path} is an integer of {value.bit_length()} bits; at most 2039 fit"
                )
            self.out += b"\x8a%c" % len(raw) + raw

    def _float(self, value, path, depth) -> None:
        self.out += b"G" + struct.pack(">d", value)

    def _text(self, value, path, depth) -> None:
        if not self._recall(value):
            raw = value.encode("utf-8", "surrogatepass")
            if len(raw) >> 32:
                raise note(ValueError, "save", f"{path} is a text of {len(raw)} bytes; at most 4 GB fit")
            self.out += b"X" + struct.pack("<I", len(raw)) + raw
            self._remember(value)

    def _bytes(self, value, path, depth) -> None:
        self._call("_codecs", "encode", (value.decode("latin1"), "latin1"))

    def _bytearray(self, value, path, depth) -> None:
        self._call("__builtin__", "bytearray", (bytes(value),) if value else ())

    def _complex(self, value, path, depth) -> None:
        self._call("__builtin__", "complex", (value.real, value.imag))

    # Containers

    def _tuple(self, value, path, depth) -> None:
        if not value:
            self.out += b")"
            return
        if self._recall(id(value)):
            return
        if id(value) in self.open_tuples:
            raise note(ValueError, "save", f"{path} is a tuple that contains itself")
        self.open_tuples.add(id(value))
        if len(value) > 3:
            self.out += b"("
        for place, item in enumerate(value):
            self.write(item, f"{path}[{place}]", depth + 1)
        self.out += (b"\x85", b"\x86", b"\x87")[len(value) - 1] if len(value) <= 3 else b"t"
        self.open_tuples.discard(id(value))
        self._keep(value)

    def _keep(self, value) -> None:
        self.kept.append(value)
        self._remember(id(value))

    def _size(self, value, path, depth) -> None:
        if not self._recall(id(value)):
            self._call("torch", "Size", (tuple(value),))
            self._keep(value)

    def _list(self, value, path, depth) -> None:
        if self._recall(id(value)):
            return
        self.out += b"]"
        self._keep(value)
        self._appends(((item, f"{path}[{place}]") for place, item in enumerate(value)), len(value), depth)

    def _appends(self, items, count: int, depth: int) -> None:
        self.out += b"(" if count > 1 else b""
        for item, path in items:
            self.write(item, path, depth + 1)
        self.out += (b"", b"a", b"e")[min(count, 2)]

    def _set(self, value, path, depth) -> None:
        if not self._recall(id(value)):
            self._global("__builtin__", "set")
            self.out += b"]"
            for item in value:
                self._check_key(item, f"{path}{{...}}")
            self._appends(((item, f"{path}{{...}}") for item in value), len(value), depth)
            self.out += b"\x85R"
            self._keep(value)

    def _dict(self, value, path, depth) -> None:
        if not self._recall(id(value)):
            self.out += b"}"
            self._keep(value)
            self._items(value, path, depth)

    def _counter(self, value, path, depth) -> None:
        if not self._recall(id(value)):
            self._global("collections", "Counter")
            self.out += b"}"
            self._items(value, path, depth)
            self.out += b"\x85R"
            self._keep(value)

    def _ordered_dict(self, value, path, depth) -> None:
        if self._recall(id(value)):
            return
        self._global("collections", "OrderedDict")
        self.out += b")R"
        self._keep(value)
        self._items(value, path, depth)
        for name, attribute in vars(value).items():
            if name != "_metadata":
                raise self._refused(attribute, f"{path}.{name}")
            self.out += b"}"
            self._text("_metadata", path, depth)
            self.write(attribute, f"{path}._metadata", depth + 1)
            self.out += b"sb"

    def _items(self, value, path: str, depth: int) -> None:
        self.out += b"(" if len(value) > 1 else b""
        for key, item in value.items():
            shown = f"{path}[{key!r}]" if type(key) in (str, int, float, bool) else f"{path}[...]"
            self._check_key(key, shown)
            self.write(key, shown, depth + 1)
            self.write(item, shown, depth + 1)
        self.out += (b"", b"s", b"u")[min(len(value), 2)]

    def _check_key(self, key, path: str) -> None:
        # The same rules as in the unpickler: what it refuses must not be written.
        waiting, parts = [key], 0
        while waiting:
            part = waiting.pop()
            parts += 1
            if parts > KEY_PARTS:
                raise note(ValueError, "save", f"the key of {path} has more than {KEY_PARTS} parts")
            if isinstance(part, tuple):
                waiting.extend(part[:KEY_PARTS])
            elif type(part) is int and not -(1 << 63) <= part < 1 << 63:
                raise note(ValueError, "save", f"the key of {path} is an integer beyond 64 bits")
            elif (
                part is not None
                and type(part) not in (str, bytes, int, float, bool)
                and not is_constant(part)
            ):
                raise self._refused(part, f"the key of {path}")

    # Tensors

    def _tensor(self, value: Tensor, path: str) -> None:
        if self._recall(id(value)):
            return
        for name in attributes(value):
            raise note(
                TypeError,
                "save",
                f"{path}.{name} is an attribute of a tensor; save {path}.detach(), and it apart",
            )
        from ..nn import Parameter

        parameter = isinstance(value, Parameter)
        if parameter:
            self._global("torch._utils", "_rebuild_parameter")
        self._global("torch._utils", "_rebuild_tensor_v2")
        flat, offset, stride = locate(value._array)
        self.out += b"("
        self._storage(flat, value, path)
        self.write(offset, path, 0)
        self.write(tuple(value.shape), path, 0)
        self.write(stride, path, 0)
        self._bool(value.requires_grad and not parameter, path, 0)
        self._no_hooks()
        self.out += b"tR"
        if parameter:
            self._bool(value.requires_grad, path, 0)
            self._no_hooks()
            self.out += b"\x87R"
        self._keep(value)

    def _no_hooks(self) -> None:
        self._global("collections", "OrderedDict")
        self.out += b")R"

    def _storage(self, flat: np.ndarray, value: Tensor, path: str) -> None:
        where = identity(flat)
        if where not in self.places:
            self.places[where] = (len(self.storages), flat.dtype)
            self.storages.append(flat)
        index, kind = self.places[where]
        if kind != flat.dtype:
            raise note(
                RuntimeError,
                "save",
                f"{path} views the memory of another tensor as another type; save a clone",
            )
        self.out += b"("
        self._text("storage", path, 0)
        self._global("torch", STORAGE_NAMES[value.dtype])
        self._text(str(index), path, 0)
        self._text("cpu", path, 0)
        self._int(len(flat), path, 0)
        self.out += b"tQ"


_WRITERS = {
    type(None): Pickler._none,
    bool: Pickler._bool,
    int: Pickler._int,
    float: Pickler._float,
    complex: Pickler._complex,
    str: Pickler._text,
    bytes: Pickler._bytes,
    bytearray: Pickler._bytearray,
    tuple: Pickler._tuple,
    Size: Pickler._size,
    list: Pickler._list,
    set: Pickler._set,
    dict: Pickler._dict,
    OrderedDict: Pickler._ordered_dict,
    Counter: Pickler._counter,
}
