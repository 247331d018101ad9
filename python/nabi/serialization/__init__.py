# SPDX-License-Identifier: Apache-2.0
"""Save and load in PyTorch's file format, without ever running code from a file.

The container (`reader`, `writer`) is a zip archive of stored members: `data.pkl` describes the object, `data/0`,
`data/1`, ... hold the tensors' memory. The description (`pickler`, `unpickler`, `rebuild`) is a pickle under
PyTorch's names, written and read by an interpreter of our own; `storage` translates between numpy's views and
PyTorch's storages.
"""

from __future__ import annotations

import os
import sys

import numpy as np

from ..errors import fail, note, unsupported
from .reduce import rebuild_tensor, reduce_tensor

__all__ = ["load", "rebuild_tensor", "reduce_tensor", "save"]

_SAFE_GLOBALS = ("add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals")
READ_BACK = 1 << 23  # a description this large is read back before it is written: load has a budget


def __getattr__(name: str):
    if name in _SAFE_GLOBALS:
        raise unsupported(
            f"serialization.{name}", "its load reads tensors and plain containers and calls nothing else"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def save(obj, f, pickle_module=None, pickle_protocol=2, _use_new_zipfile_serialization=True) -> None:
    """Write an object of tensors, numbers, texts and plain containers to a file that PyTorch reads too.

    The file is written beside `f`, synced, and renamed, so that a save that fails leaves the old file as it was. A
    tensor is saved with the whole memory it views, once for all tensors that share it.

    Args:
        obj: tensors, Parameters, None, bool, int, float, complex, str, bytes, bytearray, dtype, device, Size, and
            dict, OrderedDict, Counter, list, tuple, set of them; for a model `model.state_dict()`.
        f: a path, or an object with `write`.
        pickle_module, pickle_protocol, _use_new_zipfile_serialization: PyTorch's, at their defaults only.

    Raises:
        TypeError, ValueError: something in `obj` can't be held; the message says where it is.
        OSError: the disk refused.

    Source: the file format of torch.save, https://docs.pytorch.org/docs/stable/notes/serialization.html

    Example:
        >>> import io, nabi
        >>> file = io.BytesIO()
        >>> nabi.save({"weight": nabi.ones(2), "epoch": 3}, file)
        >>> _ = file.seek(0)
        >>> nabi.load(file)
        {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    from .pickler import Pickler
    from .writer import Replacement, Writer

    if pickle_module is not None and getattr(pickle_module, "__name__", "") not in ("pickle", "_pickle"):
        raise unsupported("save(pickle_module=...)", "leave it out: nabi writes the opcodes itself")
    if pickle_protocol != 2:
        raise unsupported(
            f"save(pickle_protocol={pickle_protocol!r})", "leave it at 2, which PyTorch's safe reader takes"
        )
    if not _use_new_zipfile_serialization:
        raise unsupported(
            "save(_use_new_zipfile_serialization=False)", "the zip format, which PyTorch reads since 1.6"
        )
    path = os.fspath(f) if isinstance(f, (str, os.PathLike)) else None
    if path is None and not hasattr(f, "write"):
        raise fail(AttributeError, "save", "a path or an object with `write`", type(f).__name__)
    pickler = Pickler()
    description = pickler.dump(obj)
    if len(description) > READ_BACK:
        _read_back(description, pickler.storages)
    if path is None:
        _write(Writer(f), description, pickler.storages)
    else:
        with Replacement(path) as file:
            _write(Writer(file), description, pickler.storages)


def _read_back(description: bytes, storages: list[np.ndarray]) -> None:
    from pickle import UnpicklingError

    from .rebuild import Storage
    from .unpickler import Unpickler

    try:
        Unpickler(description, lambda key: Storage(storages[int(key[2])], key[1].dtype)).load()
    except UnpicklingError as error:
        raise note(ValueError, "save", f"the object is too large to be loaded again ({error})") from None


def _write(writer, description: bytes, storages: list[np.ndarray]) -> None:
    writer.add("data.pkl", description)
    writer.add(".format_version", b"1")
    writer.add(".storage_alignment", b"64")
    writer.add("byteorder", sys.byteorder.encode())
    for index, flat in enumerate(storages):
        writer.add(f"data/{index}", flat.view(np.uint8))
    writer.add("version", b"3\n")
    writer.close()


def load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=None):
    """Read what `save` or torch.save wrote; tensors that shared memory share it again.

    Args:
        f: a path, or a file object with `read`, `seek` and `tell`, read from its present position to its end.
        map_location: where tensors go that were saved elsewhere: None, "cpu", a device, a dict of locations, or a
            function of a storage and its location. Tensors of a GPU need it, as in PyTorch; only the CPU can be named.
        pickle_module: PyTorch's; None only.
        weights_only: nabi never runs code from a file, so that False reads nothing more than True; what it would
            need is refused by name.
        mmap: map the file's tensors instead of reading them (paths only). Pages are read when first used and copied
            when written; the tensors' checksums aren't verified, and the file must not change meanwhile.

    Returns:
        The object, its tensors in fresh memory on the CPU.

    Raises:
        pickle.UnpicklingError: the file holds something else than tensors and plain containers; it is named.
        RuntimeError: the archive is torn, altered or of another kind, or its tensors belong to a GPU.
        EOFError: nothing is left to read.

    Source: torch.load, https://docs.pytorch.org/docs/stable/generated/torch.load.html

    Example:
        >>> import io, nabi
        >>> file = io.BytesIO()
        >>> weight = nabi.zeros(2, 2)
        >>> nabi.save([weight, weight[0]], file)
        >>> _ = file.seek(0)
        >>> whole, row = nabi.load(file, map_location="cpu")
        >>> whole[0, 1] = 5.0
        >>> row
        tensor([0., 5.])
    """
    from .archive import load_archive

    if pickle_module is not None:
        raise unsupported("load(pickle_module=...)", "leave it out: nabi interprets the file itself")
    if isinstance(f, (str, os.PathLike)):
        with open(os.fspath(f), "rb") as file:
            return load_archive(file, map_location, bool(mmap))
    missing = [name for name in ("read", "seek", "tell") if not hasattr(f, name)]
    if missing:
        raise fail(
            AttributeError,
            "load",
            "a path or a file with read, seek and tell",
            f"{type(f).__name__} without {missing[0]}",
        )
    if mmap:
        raise fail(ValueError, "load", "a path for mmap=True", type(f).__name__)
    return load_archive(f, map_location, False)
