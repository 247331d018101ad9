# SPDX-License-Identifier: Apache-2.0
"""From an open file to the object in it: the container's members, the storages, map_location."""

from __future__ import annotations

import sys

import numpy as np

from ..errors import fail
from .reader import Reader, broken
from .rebuild import Global, Storage
from .unpickler import MAX_PICKLE, Unpickler, refused


def load_archive(file, map_location, mmap: bool):
    """Check what kind of file it is, then run its pickle."""
    start = file.tell()
    head = file.read(4)
    if not isinstance(head, (bytes, bytearray)):
        raise fail(TypeError, "load", "a file opened in binary mode", f"one that gives {type(head).__name__}")
    if not head:
        hint = "; seek(0) goes back to its beginning" if start else ""
        from ..errors import note

        raise note(EOFError, "load", f"the file has nothing left to read{hint}")
    if head != b"PK\x03\x04":
        raise refused(
            "the file isn't a zip archive; torch.save wrote others before PyTorch 1.6, or with"
            " _use_new_zipfile_serialization=False: load it in PyTorch and save it again"
        )
    file.seek(start)
    return Archive(Reader(file), map_location, mmap).load()


class Archive:
    """One archive being read: each storage once, whoever shares it."""

    def __init__(self, reader: Reader, map_location, mmap: bool) -> None:
        self.reader = reader
        self.map_location = map_location
        self.storages: dict[str, tuple] = {}
        self.mapped = None
        if reader.has("constants.pkl"):
            raise broken("the file is a TorchScript program; save the module's state_dict instead")
        description = reader.member("data.pkl")
        version = reader.marker("version")
        if not version.isdigit() or not 1 <= int(version) <= 10:
            raise broken(f"file format version {version!r}; 1 to 10 are known")
        self.byteorder = reader.marker("byteorder") if reader.has("byteorder") else "little"
        if self.byteorder not in ("little", "big"):
            raise broken(f"byte order {self.byteorder!r}; little or big are known")
        if description.size > MAX_PICKLE:
            raise refused(f"a description of {description.size} bytes; at most {MAX_PICKLE} are read")
        self.description = description
        if mmap:
            from mmap import ACCESS_COPY
            from mmap import mmap as map_file

            self.mapped = map_file(reader.file.fileno(), 0, access=ACCESS_COPY)

    def load(self):
        """Give the object."""
        return Unpickler(self.reader.read(self.description).tobytes(), self.storage).load()

    def storage(self, key) -> Storage:
        """Give the storage of a persistent id: ("storage", type, member, location, length)."""
        if type(key) is not tuple or len(key) != 5 or key[0] != "storage":
            raise refused("a persistent id that isn't a storage's")
        _, kind, name, location, length = key
        if type(kind) is not Global or kind.dtype is None:
            raise refused(f"a storage of type {kind.name if type(kind) is Global else type(kind).__name__}")
        if type(name) is not str or type(location) is not str or type(length) is not int:
            raise refused("a storage whose name or location isn't a text or whose length isn't a number")
        if name not in self.storages:
            storage = self._place(Storage(self._read(name, kind.dtype, length), kind.dtype), location)
            self.storages[name] = (storage, kind.dtype, length)
        storage, dtype, known = self.storages[name]
        if dtype is not kind.dtype or known != length:
            raise refused(f"storage {name!r} as {length} {kind.dtype.name} and as {known} {dtype.name}")
        return storage

    def _read(self, name: str, dtype, length: int) -> np.ndarray:
        member = self.reader.member(f"data/{name}")
        if member.size != length * dtype.itemsize:
            raise broken(f"member {member.name!r} has {member.size} bytes, expected {length} {dtype.name}")
        flat = self._bytes(member, dtype.itemsize).view(dtype.numpy)
        if self.byteorder != sys.byteorder:
            flat = flat.byteswap()
        if dtype.name == "bool":
            raw = flat.view(np.uint8)
            if raw.size and raw.max() > 1:  # numpy and the kernels count on 0 and 1
                flat = raw != 0
        return flat

    def _bytes(self, member, itemsize: int) -> np.ndarray:
        if self.mapped is None or not member.size:
            return self.reader.read(member)
        start = self.reader.start + self.reader.data_start(member)
        raw = np.frombuffer(self.mapped, np.uint8, member.size, start)
        # Only what other programs repacked lies at an odd place.
        return raw if start % itemsize == 0 else raw.copy()

    def _place(self, storage: Storage, location: str) -> Storage:
        """Apply map_location; what isn't on the CPU in the end is refused, as PyTorch without a GPU does."""
        target = self.map_location
        if callable(target):
            placed = target(storage, location)
            if placed is not None:
                if type(placed) is not Storage:
                    raise fail(
                        TypeError, "load", "map_location to return its storage or None", type(placed).__name__
                    )
                return placed
        elif isinstance(target, dict):
            location = str(target.get(location, location))
        elif target is not None:
            location = str(target)
        if location.split(":")[0] != "cpu":
            raise broken(
                f"a tensor belongs on {location!r} and nabi has only the CPU; pass map_location='cpu'"
            )
        return storage
