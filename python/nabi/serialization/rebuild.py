# SPDX-License-Identifier: Apache-2.0
"""The globals a pickle may name, and what each stands for here. Nothing is looked up by name anywhere else."""

from __future__ import annotations

from collections import Counter, OrderedDict

import numpy as np

from ..dtype import bool_, dtype, float32, float64, int8, int16, int32, int64, uint8
from ..tensor import Size, from_array
from .storage import place

STORAGES = {
    "FloatStorage": float32,
    "DoubleStorage": float64,
    "LongStorage": int64,
    "IntStorage": int32,
    "ShortStorage": int16,
    "CharStorage": int8,
    "ByteStorage": uint8,
    "BoolStorage": bool_,
}
DTYPES = {found.name: found for found in STORAGES.values()}
# What PyTorch has and nabi doesn't: refused with a sentence instead of as a stranger.
FOREIGN = {
    "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4", "UntypedStorage": "untyped",
    **{name: name for name in (
        "float16", "bfloat16", "complex32", "complex64", "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn",
        "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz",
    )},
}  # fmt: skip


KEY_PARTS = 1000  # hash() of nested tuples recurses in C and walks shared parts again and again


class Global:
    """A global on the unpickler's stack: a name, and what REDUCE does with it."""

    __slots__ = ("call", "dtype", "name")
    __hash__ = None

    def __init__(self, name: str, call=None, dtype=None) -> None:
        self.name = name
        self.call = call
        self.dtype = dtype


class Storage:
    """The numbers of one archive member; a map_location function gets one and gives it back."""

    __slots__ = ("dtype", "flat")
    __hash__ = None
    device = "cpu"

    def __init__(self, flat: np.ndarray, dtype) -> None:
        self.flat = flat
        self.dtype = dtype

    def nbytes(self) -> int:
        """Give the size in bytes."""
        return self.flat.nbytes

    def cpu(self) -> Storage:
        """Give itself: it is in the CPU's memory."""
        return self


def find_global(module: str, name: str):
    """Give the stand-in for a global, or the constant it names; everything unknown is refused by name."""
    found = _GLOBALS.get((module, name))
    if found is not None:
        return found
    from .unpickler import refused

    # What a hostile file calls a global must not reach the terminal as control characters.
    module, name = (part if part.isprintable() else ascii(part) for part in (module, name))
    if module in ("torch", "torch.storage") and name in FOREIGN:
        raise refused(
            f"global `{module} {name}`: {FOREIGN[name]} isn't supported yet; convert it in PyTorch, e.g. with .float()"
        )
    raise refused(
        f"global `{module} {name}` isn't allowed; nabi reads tensors and plain containers and runs no code from a file"
    )


def is_constant(value) -> bool:
    """Say whether a value is one of the constants that may be a dictionary's key."""
    kind = type(value)
    return isinstance(value, dtype) or (kind.__name__ == "device" and kind.__module__.split(".")[0] == "nabi")


def _wrong(name: str, arguments) -> Exception:
    from .unpickler import refused

    kinds = ", ".join(type(argument).__name__ for argument in arguments[:10])
    return refused(f"`{name}` with arguments of type ({kinds})")


def _ordered_dict(u, arguments):
    if arguments == ():
        return OrderedDict()
    if len(arguments) != 1 or type(arguments[0]) is not list:
        raise _wrong("collections OrderedDict", arguments)
    # Python 2 wrote its items as a list of two-element lists.
    result = OrderedDict()
    for item in arguments[0]:
        if type(item) not in (list, tuple) or len(item) != 2:
            raise _wrong("collections OrderedDict", arguments)
        _check_key(u, item[0])
        result[item[0]] = item[1]
    return result


def _counter(u, arguments):
    if arguments == ():
        return Counter()
    if len(arguments) != 1 or type(arguments[0]) is not dict:
        raise _wrong("collections Counter", arguments)
    result = Counter()
    for key, value in arguments[0].items():
        _check_key(u, key)
        dict.__setitem__(result, key, value)
    return result


def _set(u, arguments):
    if arguments == ():
        return set()
    if len(arguments) != 1 or type(arguments[0]) is not list:
        raise _wrong("builtins set", arguments)
    for key in arguments[0]:
        _check_key(u, key)
    return set(arguments[0])


def _check_key(u, key) -> None:
    from .unpickler import check_key

    check_key(u, key)


def _encode(u, arguments):
    if len(arguments) != 2 or type(arguments[0]) is not str or arguments[1] != "latin1":
        raise _wrong("_codecs encode", arguments)
    u.spend(len(arguments[0]))
    try:
        return arguments[0].encode("latin1")
    except UnicodeEncodeError:
        raise _wrong("_codecs encode", arguments) from None


def _bytes(u, arguments):
    if arguments != ():
        raise _wrong("builtins bytes", arguments)
    return b""


def _bytearray(u, arguments):
    if arguments == ():
        return bytearray()
    if len(arguments) != 1 or type(arguments[0]) is not bytes:
        raise _wrong("builtins bytearray", arguments)
    u.spend(len(arguments[0]))
    return bytearray(arguments[0])


def _complex(u, arguments):
    if len(arguments) != 2 or any(type(part) is not float for part in arguments):
        raise _wrong("builtins complex", arguments)
    return complex(*arguments)


def _size(u, arguments):
    if (
        len(arguments) != 1
        or type(arguments[0]) is not tuple
        or any(type(count) is not int for count in arguments[0])
    ):
        raise _wrong("torch Size", arguments)
    u.spend(8 * len(arguments[0]))
    return Size(arguments[0])


def _device(u, arguments):
    import nabi

    from .unpickler import refused

    kinds = tuple(type(part) for part in arguments)
    if kinds not in ((str,), (str, int)):
        raise _wrong("torch device", arguments)
    try:
        return nabi.device(*arguments)
    except (RuntimeError, ValueError, TypeError) as error:
        raise refused(f"torch device{arguments}: {error}") from None


def _tensor(u, arguments):
    if len(arguments) != 4:
        raise _wrong("torch._utils _rebuild_tensor", arguments)
    return _view(*arguments)


def _tensor_v2(u, arguments):
    if len(arguments) not in (6, 7):
        raise _wrong("torch._utils _rebuild_tensor_v2", arguments)
    storage, offset, size, stride, requires_grad, hooks, *metadata = arguments
    if type(requires_grad) is not bool or not _is_empty(hooks) or any(metadata):
        raise _wrong("torch._utils _rebuild_tensor_v2", arguments)
    return _view(storage, offset, size, stride, requires_grad)


def _parameter(u, arguments):
    from ..nn import Parameter
    from ..tensor import Tensor

    if len(arguments) != 3 or not isinstance(arguments[0], Tensor) or type(arguments[1]) is not bool:
        raise _wrong("torch._utils _rebuild_parameter", arguments)
    data, requires_grad, hooks = arguments
    if not _is_empty(hooks):
        raise _wrong("torch._utils _rebuild_parameter", arguments)
    _check_gradient(data.dtype, requires_grad)
    return Parameter(data, requires_grad)


def _is_empty(hooks) -> bool:
    return hooks is None or (type(hooks) is OrderedDict and not hooks)


def _check_gradient(kind, requires_grad: bool) -> None:
    if requires_grad and not kind.is_floating_point:
        from .unpickler import refused

        raise refused(f"a tensor of {kind.name} that requires a gradient")


def _view(storage, offset, size, stride, requires_grad=False):
    from .unpickler import refused

    if type(storage) is not Storage or not isinstance(size, tuple) or not isinstance(stride, tuple):
        raise _wrong("torch._utils _rebuild_tensor_v2", (storage, offset, size, stride))
    _check_gradient(storage.dtype, requires_grad)
    try:
        array = place(storage.flat, offset, size, stride)
    except (ValueError, OverflowError) as error:
        raise refused(f"a tensor outside its storage: {error}") from None
    return from_array(array, requires_grad=requires_grad)


_CALLS = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("collections", "Counter"): _counter,
    ("_codecs", "encode"): _encode,
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{
        (module, name): call
        for module in ("__builtin__", "builtins")  # protocol 2 writes Python 2's name
        for name, call in (("set", _set), ("bytes", _bytes), ("bytearray", _bytearray), ("complex", _complex))
    },
}
_GLOBALS = {
    **{("torch", name): found for name, found in DTYPES.items()},
    **{("torch", name): Global(f"torch {name}", dtype=found) for name, found in STORAGES.items()},
    **{key: Global(" ".join(key), call=call) for key, call in _CALLS.items()},
}
