# SPDX-License-Identifier: Apache-2.0
"""The IDX format of the MNIST family.

Two zero bytes, a byte for the type (8 is uint8), a byte for the number of dimensions, each dimension as a
big-endian uint32, then the values, last dimension fastest. Often compressed with gzip.
Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import math
import os

import numpy as np

from nabi.errors import fail

# A file may say any size; this is the largest that is believed. 1 GiB holds 1.3 million images of 28 x 28.
LIMIT = 1 << 30
_CHUNK = 1 << 20
_TYPES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}


def read_idx(path, dimensions: int) -> np.ndarray:
    """The uint8 array in an IDX file, compressed or not (its first bytes tell, not its name).

    Memory grows with what is really in the file, never with what its header says.

    Args:
        path: the file.
        dimensions: how many dimensions the array must have (3 for images, 1 for labels).

    Returns: writable uint8 array.
    Raises: ValueError that names the file, what was expected and what was found, for a file that is torn, too
        long, not IDX, of another type or number of dimensions, or larger than 1 GiB; OSError where it cannot
        be read.
    """
    name = os.fspath(path)
    with open(name, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not compressed:
            return _parse(name, file, dimensions)
        import gzip
        import zlib

        try:
            with gzip.GzipFile(fileobj=file) as stream:
                return _parse(name, stream, dimensions)
        except (EOFError, OSError, zlib.error) as error:
            raise fail(ValueError, "read_idx", f"a whole gzip file in {name}", str(error)) from error


def _parse(name: str, stream, dimensions: int) -> np.ndarray:
    size = 4 + 4 * dimensions
    head = stream.read(size)
    if len(head) < 4 or head[:2] != b"\0\0":
        raise fail(
            ValueError,
            "read_idx",
            f"an IDX file (first bytes 00 00) in {name}",
            head[:4].hex(" ") or "no bytes",
        )
    if head[2] != 8:
        got = f"{_TYPES.get(head[2], 'an unknown type')} (code {head[2]})"
        raise fail(ValueError, "read_idx", f"uint8 values (code 8) in {name}", got)
    if head[3] != dimensions:
        raise fail(ValueError, "read_idx", f"{dimensions} dimensions in {name}", head[3])
    if len(head) < size:
        raise fail(ValueError, "read_idx", f"{size} bytes of header in {name}", f"{len(head)} bytes")
    shape = tuple(int.from_bytes(head[at : at + 4], "big") for at in range(4, size, 4))
    declared = math.prod(shape)
    if declared > LIMIT:
        raise fail(ValueError, "read_idx", f"at most {LIMIT} values in {name}", f"{declared} (shape {shape})")

    values = bytearray()
    while len(values) <= declared:
        part = stream.read(min(_CHUNK, declared + 1 - len(values)))
        if not part:
            break
        values += part
    if len(values) != declared:
        got = f"{len(values)}" if len(values) < declared else "more"
        raise fail(ValueError, "read_idx", f"{declared} values for shape {shape} in {name}", got)
    return np.frombuffer(values, np.uint8).reshape(shape)


def read_labels(path, classes: int) -> np.ndarray:
    """The labels in an IDX file as an int64 array of shape (N,), each checked to be below `classes`."""
    labels = read_idx(path, 1)
    bad = np.flatnonzero(labels >= classes)
    if bad.size:
        got = f"{labels[bad[0]]} at position {bad[0]}"
        raise fail(ValueError, "read_labels", f"labels in [0, {classes}) in {os.fspath(path)}", got)
    return labels.astype(np.int64)


def read_pair(images_path, labels_path, classes: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Images of shape (N, *size) and their N labels from two IDX files that must fit together."""
    images, labels = read_idx(images_path, 3), read_labels(labels_path, classes)
    if images.shape[1:] != size:
        expected = f"images of {size[0]} x {size[1]} in {os.fspath(images_path)}"
        raise fail(ValueError, "read_pair", expected, f"{images.shape[1]} x {images.shape[2]}")
    if len(images) != len(labels):
        names = f"labels in {os.fspath(labels_path)} as images in {os.fspath(images_path)}"
        raise fail(ValueError, "read_pair", f"as many {names} ({len(images)})", len(labels))
    return images, labels
