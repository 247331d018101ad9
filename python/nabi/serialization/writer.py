# SPDX-License-Identifier: Apache-2.0
"""Write the zip container of torch.save: stored members whose bytes begin at multiples of 64."""

from __future__ import annotations

import os
import struct

from ..errors import note
from .reader import (
    CENTRAL,
    CENTRAL_SIGN,
    DESCRIPTOR_SIGN,
    END,
    END64,
    END64_SIGN,
    END_SIGN,
    FULL16,
    FULL32,
    LOCAL,
    LOCAL_SIGN,
    LOCATOR,
    LOCATOR_SIGN,
)

ALIGNMENT = 64
CHUNK = 1 << 20  # the checksum and the write see the same megabyte while the cache still holds it
WIDE = FULL32  # sizes and offsets from here on go into the zip64 fields
UTF8, DESCRIPTOR = 0x0800, 0x0008


class Writer:
    """Appends members to anything with `write`; offsets count from the first byte written."""

    def __init__(self, file, root: str = "archive") -> None:
        self.file = file
        self.root = root
        self.position = 0
        self.directory: list[bytes] = []
        self.names_crc = self.data_crc = 0

    def _put(self, data) -> None:
        view = memoryview(data)
        self.position += len(view)
        while len(view):
            count = self.file.write(view)
            # Unbuffered files may take less than they are given; most writers say how much, some say nothing.
            if not isinstance(count, int) or count >= len(view):
                return
            if count <= 0:
                raise note(OSError, "save", f"the file took {count} of {len(view)} bytes")
            view = view[count:]

    def add(self, name: str, data) -> None:
        """Append one member from a contiguous buffer of bytes."""
        from zlib import crc32

        path = f"{self.root}/{name}".encode()
        view = memoryview(data)
        size, offset = len(view), self.position
        wide = size >= WIDE
        flags = UTF8 | DESCRIPTOR if size else UTF8
        sizes = struct.pack("<2H2Q", 1, 16, size, size) if wide else b""
        padding = -(offset + LOCAL.size + len(path) + len(sizes) + 4) % ALIGNMENT
        extra = sizes + struct.pack("<2H", 0x4246, padding) + b"Z" * padding
        field = FULL32 if wide else 0
        version = 45 if wide else 0
        self._put(
            LOCAL.pack(LOCAL_SIGN, version, flags, 0, 0, 0, 0, field, field, len(path), len(extra))
            + path
            + extra
        )
        crc = 0
        for begin in range(0, size, CHUNK):
            piece = view[begin : begin + CHUNK]
            crc = crc32(piece, crc)
            self._put(piece)
        if size:
            self._put(struct.pack("<4sI2Q" if wide else "<4s3I", DESCRIPTOR_SIGN, crc, size, size))
        self._list(path, flags, crc, size, offset)
        self.names_crc = crc32(path, self.names_crc)
        self.data_crc = crc32(crc.to_bytes(4, "little"), self.data_crc)

    def _list(self, path: bytes, flags: int, crc: int, size: int, offset: int) -> None:
        wide = [size, size] * (size >= WIDE) + [offset] * (offset >= WIDE)
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, offset = (FULL32 if value >= WIDE else value for value in (size, offset))
        head = (CENTRAL_SIGN, 0, 45 if wide else 0, flags, 0, 0, 0, crc, size, size, len(path), len(extra))
        self.directory.append(CENTRAL.pack(*head, 0, 0, 0, 0, offset) + path + extra)

    def close(self) -> None:
        """Append the identity of the contents, the directory and both ends of archive."""
        self.add(".data/serialization_id", f"{self.names_crc:020d}{self.data_crc:020d}".encode())
        directory, entries, offset = b"".join(self.directory), len(self.directory), self.position
        size, end = len(directory), self.position + len(directory)
        self._put(directory)
        self._put(END64.pack(END64_SIGN, END64.size - 12, 0x031E, 45, 0, 0, entries, entries, size, offset))
        self._put(LOCATOR.pack(LOCATOR_SIGN, 0, end, 1))
        count = min(entries, FULL16)
        narrow = (FULL32 if value >= WIDE else value for value in (size, offset))
        self._put(END.pack(END_SIGN, 0, 0, count, count, *narrow, 0))


class Replacement:
    """A file that takes the place of `path` only when everything is on the disk; until then the old one stays."""

    def __init__(self, path: str) -> None:
        self.target = os.path.realpath(path)  # a symbolic link keeps pointing at what is replaced
        folder, base = os.path.split(self.target)
        if not os.path.isdir(folder):
            raise note(RuntimeError, "save", f"parent directory {folder} does not exist")
        if os.path.isdir(self.target):
            raise note(RuntimeError, "save", f"{path} is a directory")
        if os.path.exists(self.target) and not os.access(self.target, os.W_OK):
            # Renaming over it would work, and is not what a read-only file is for.
            raise note(PermissionError, "save", f"{path} is read-only")
        self.folder = folder
        self.temporary = os.path.join(folder, f".{base[:200]}.{os.urandom(6).hex()}.tmp")
        if os.path.exists(self.target) and not os.path.isfile(self.target):
            self.temporary = ""  # a device or a pipe can't be replaced: written straight

    def __enter__(self):
        self.file = open(self.temporary or self.target, "xb" if self.temporary else "wb")
        return self.file

    def __exit__(self, kind, error, trace) -> None:
        try:
            with self.file:
                if kind is None and self.temporary:
                    self.file.flush()
                    if os.path.exists(self.target):
                        os.fchmod(self.file.fileno(), os.stat(self.target).st_mode & 0o7777)
                    os.fsync(self.file.fileno())
            if kind is None and self.temporary:
                os.replace(self.temporary, self.target)
                self.temporary = ""
                _sync_folder(self.folder)
        finally:
            if self.temporary and os.path.exists(self.temporary):
                os.unlink(self.temporary)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse to sync a folder; the file itself is already safe
    finally:
        os.close(descriptor)
