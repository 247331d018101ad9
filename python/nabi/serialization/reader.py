# SPDX-License-Identifier: Apache-2.0
"""Read the zip container of torch.save: stored members only, lengths checked before a byte is allocated."""

from __future__ import annotations

import os
import struct

import numpy as np

from ..errors import note

LOCAL = struct.Struct(
    "<4s5H3I2H"
)  # signature, version, flags, method, time, date, crc, packed, size, name, extra
CENTRAL = struct.Struct("<4s6H3I5H2I")  # ... the same after "made by", then comment, disk, attributes, offset
END = struct.Struct("<4s4H2IH")  # signature, disks, entries, directory's size and offset, comment
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")
LOCAL_SIGN, CENTRAL_SIGN, DESCRIPTOR_SIGN = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
END_SIGN, END64_SIGN, LOCATOR_SIGN = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF

MAX_DIRECTORY = 1 << 25  # 32 MB of directory is half a million members
MAX_NAME = 4096
MAX_MARKER = 64  # version, byteorder: a few characters


def broken(sentence: str) -> Exception:
    """The exception for a container that is torn, altered or of another kind."""
    return note(RuntimeError, "load", sentence)


class Member:
    """Where one member lies. `limit` is where the next one begins: nothing may be read beyond it."""

    __slots__ = ("crc", "limit", "name", "offset", "raw_name", "size")

    def __init__(self, raw_name: bytes, name: str, offset: int, size: int, crc: int) -> None:
        self.raw_name = raw_name
        self.name = name
        self.offset = offset
        self.size = size
        self.crc = crc
        self.limit = 0


class Reader:
    """The members of an archive that runs from the file's present position to its end."""

    def __init__(self, file) -> None:
        self.file = file
        self.start = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self.start
        self.members: dict[str, Member] = {}
        directory, entries, end = self._find_directory()
        self._read_directory(directory, entries, end)
        self.root = next(iter(self.members), "").split("/", 1)[0]

    def _read_at(self, offset: int, size: int) -> bytes:
        buffer = bytearray(size)
        self._read_into(offset, memoryview(buffer))
        return bytes(buffer)

    def _read_into(self, offset: int, view: memoryview) -> None:
        self.file.seek(self.start + offset)
        readinto = getattr(self.file, "readinto", None)
        done = 0
        while done < len(view):
            if readinto is not None:
                count = readinto(view[done:])
            else:
                piece = self.file.read(min(len(view) - done, 1 << 24))
                count = len(piece)
                view[done : done + count] = piece
            if not count:
                raise broken(
                    f"the file ended at byte {offset + done} of {self.size}; it changed while it was read"
                )
            done += count

    def _find_directory(self) -> tuple[bytes, int, int]:
        """Give the directory's bytes, its number of entries and its offset, by the record at the very end."""
        tail_size = min(self.size, END.size + FULL16)
        tail = self._read_at(self.size - tail_size, tail_size)
        at = tail.rfind(END_SIGN)
        while at >= 0 and (
            len(tail) - at < END.size or at + END.size + tail[at + 20] + 256 * tail[at + 21] != len(tail)
        ):
            at = tail.rfind(END_SIGN, 0, at)
        if at < 0:
            raise broken(
                f"no end of archive in {self.size} bytes; the file is cut short or is no zip archive"
            )
        fields = END.unpack_from(tail, at)
        disks, entries, size, offset = fields[1:3], fields[3:5], fields[5], fields[6]
        end = self.size - tail_size + at
        if end >= LOCATOR.size:
            sign, disk, at64, count = LOCATOR.unpack(self._read_at(end - LOCATOR.size, LOCATOR.size))
            if sign == LOCATOR_SIGN:
                if disk or count > 1 or at64 + END64.size != end - LOCATOR.size:
                    raise broken("the zip64 end of archive isn't where its locator says; the file is damaged")
                wide = END64.unpack(self._read_at(at64, END64.size))
                narrow = ((*disks, *entries), (size, offset))
                disks, entries, size, offset = wide[4:6], wide[6:8], wide[8], wide[9]
                if wide[0] != END64_SIGN or not _agree(narrow, ((*disks, *entries), (size, offset))):
                    raise broken("the two ends of archive contradict each other; the file is damaged")
                end = at64
        if any(disks) or entries[0] != entries[1]:
            raise broken("an archive in several volumes isn't supported")
        if offset + size != end:
            raise broken("the directory isn't where the end of archive says; the file is damaged")
        if size > MAX_DIRECTORY:
            raise broken(f"a directory of {size} bytes; at most {MAX_DIRECTORY} are read")
        return self._read_at(offset, size), entries[0], offset

    def _read_directory(self, directory: bytes, entries: int, end: int) -> None:
        at = 0
        while at < len(directory):
            if len(directory) - at < CENTRAL.size or directory[at : at + 4] != CENTRAL_SIGN:
                raise broken("the archive's directory is damaged")
            (
                _,
                _,
                _,
                flags,
                method,
                _,
                _,
                crc,
                packed,
                size,
                name_size,
                extra_size,
                comment_size,
                _,
                _,
                _,
                offset,
            ) = CENTRAL.unpack_from(directory, at)
            at += CENTRAL.size
            following = at + name_size + extra_size + comment_size
            if following > len(directory) or name_size > MAX_NAME:
                raise broken("the archive's directory is damaged")
            raw_name = directory[at : at + name_size]
            try:
                name = raw_name.decode("utf-8")
            except UnicodeDecodeError:
                raise broken(f"a member's name isn't UTF-8: {raw_name[:80]!r}") from None
            extra = directory[at + name_size : at + name_size + extra_size]
            size, packed, offset = _widen(name, extra, size, packed, offset)
            at = following
            if flags & 0x2041:
                raise broken(f"member {name!r} is encrypted")
            if method or packed != size:
                raise broken(
                    f"member {name!r} is compressed (method {method}); torch.save stores without compression"
                )
            if name in self.members:
                raise broken(f"member {name!r} is there twice")
            self.members[name] = Member(raw_name, name, offset, size, crc)
        if len(self.members) != entries:
            raise broken(f"the directory lists {len(self.members)} members, the end of archive {entries}")
        self._set_limits(end)

    def _set_limits(self, end: int) -> None:
        # Members that overlap are how a small file pretends to be a large one.
        for member in sorted(self.members.values(), key=lambda member: member.offset, reverse=True):
            if member.offset + LOCAL.size + len(member.raw_name) + member.size > end:
                raise broken(f"member {member.name!r} reaches into its neighbour or beyond the archive")
            member.limit = end
            end = member.offset

    def member(self, name: str) -> Member:
        """Find a member below the archive's root folder."""
        member = self.members.get(f"{self.root}/{name}")
        if member is None:
            raise broken(f"member {f'{self.root}/{name}'!r} is missing")
        return member

    def has(self, name: str) -> bool:
        """Say whether the archive's root folder has such a member."""
        return f"{self.root}/{name}" in self.members

    def data_start(self, member: Member) -> int:
        """Give the offset of a member's first byte, after checking its own header."""
        header = self._read_at(member.offset, LOCAL.size + len(member.raw_name))
        sign, _, flags, method, _, _, _, _, _, name_size, extra_size = LOCAL.unpack_from(header)
        if sign != LOCAL_SIGN or header[LOCAL.size :] != member.raw_name or name_size != len(member.raw_name):
            raise broken(f"the header of member {member.name!r} is damaged")
        start = member.offset + len(header) + extra_size
        if method or flags & 0x2041 or start + member.size > member.limit:
            raise broken(f"the header of member {member.name!r} contradicts the directory")
        return start

    def read(self, member: Member) -> np.ndarray:
        """Read a member into a fresh array of bytes and check its CRC."""
        from zlib import crc32

        start = self.data_start(member)
        data = np.empty(member.size, np.uint8)
        view = memoryview(data)
        crc = 0
        for begin in range(0, member.size, 1 << 20):
            piece = view[begin : begin + (1 << 20)]
            self._read_into(start + begin, piece)
            crc = crc32(piece, crc)
        if crc != member.crc:
            raise broken(f"member {member.name!r} is damaged: CRC {crc:08x}, expected {member.crc:08x}")
        return data

    def marker(self, name: str) -> str:
        """Read one of the few-character members, such as `version`."""
        member = self.member(name)
        if member.size > MAX_MARKER:
            raise broken(f"member {member.name!r} has {member.size} bytes; at most {MAX_MARKER} are expected")
        return self.read(member).tobytes().decode("ascii", "replace").strip()


def _agree(narrow, wide) -> bool:
    """Compare the 32-bit end of archive with the 64-bit one; a field of ones means: see the other."""
    counts, places = narrow
    return all(n in (w, FULL16) for n, w in zip(counts, wide[0], strict=True)) and all(
        n in (w, FULL32) for n, w in zip(places, wide[1], strict=True)
    )


def _widen(name: str, extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Replace the 32-bit fields that are all ones by those of the zip64 extra field (tag 1)."""
    values = [size, packed, offset]
    wanted = [place for place, value in enumerate(values) if value == FULL32]
    at = 0
    while wanted and at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1 and length >= 8 * len(wanted) and at + 4 + length <= len(extra):
            for place, value in zip(
                wanted, struct.unpack_from(f"<{len(wanted)}Q", extra, at + 4), strict=True
            ):
                values[place] = value
            return values[0], values[1], values[2]
        at += 4 + length
    if wanted:
        raise broken(f"member {name!r} lacks its 64-bit size; the archive's directory is damaged")
    return size, packed, offset
