# SPDX-License-Identifier: Apache-2.0
"""Modules that hold parameters: ParameterList, ParameterDict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from nabi.errors import fail, note
from nabi.nn.containers import pairs, position
from nabi.nn.module import Module
from nabi.nn.parameter import Parameter
from nabi.tensor import Tensor


def _as_parameter(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _line(key, value, kind) -> str:
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    name = "Parameter" if isinstance(value, Parameter) else "Tensor"
    size = "x".join(str(length) for length in value.shape)
    return f"  ({key}): {name} containing: [{kind} of size {size}]"


def _type_name(value) -> str:
    """How PyTorch names a tensor's type, as in torch.FloatTensor."""
    names = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "int16": "Short"}
    names |= {"int8": "Char", "uint8": "Byte", "bool": "Bool"}
    return f"torch.{names[value.dtype.name]}Tensor"


class ParameterList(Module):
    """A list of parameters, registered; tensors become Parameters, other objects are kept as they are.

    Args:
        values: an iterable.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ParameterList.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> nn.ParameterList([nn.Parameter(nabi.zeros(2, 3))])
        ParameterList(  (0): Parameter containing: [torch.float32 of size 2x3])
    """

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _key(self, index) -> str:
        return str(position(type(self).__name__, index, len(self)))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.__class__([self[place] for place in range(len(self))[index]])
        return getattr(self, self._key(index))

    def __setitem__(self, index, value) -> None:
        setattr(self, self._key(index), _as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self):
        return (self[place] for place in range(len(self)))

    def __iadd__(self, values):
        return self.extend(values)

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, value):
        """Add a value at the end; returns self."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values):
        """Add every value of an iterable at the end; returns self."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise fail(TypeError, "ParameterList.extend", "an iterable", type(values).__name__)
        for value in values:
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(
            _line(place, value, getattr(value, "dtype", None)) for place, value in enumerate(self)
        )

    def __call__(self, *args, **kwargs):
        raise note(RuntimeError, "ParameterList", "should not be called.")


class ParameterDict(Module):
    """A dictionary of parameters, registered; tensors become Parameters, other objects are kept as they are.

    Args:
        parameters: a mapping from name to value, or an iterable of pairs. A plain dict is sorted by name, as
            in PyTorch.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> list(nn.ParameterDict({"left": nabi.zeros(2), "right": nabi.ones(2)}))
        ['left', 'right']
    """

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key):
        if not isinstance(key, str):
            raise fail(TypeError, "ParameterDict", "a string key", type(key).__name__)
        return getattr(self, key)

    def __setitem__(self, key, value) -> None:
        if not isinstance(key, str):
            raise fail(TypeError, "ParameterDict", "a string key", type(key).__name__)
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(self._keys)

    def __contains__(self, key) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Another ParameterDict of the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key, default=None):
        """The value under key, which becomes default if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Remove everything."""
        for key in list(self):
            del self[key]

    def pop(self, key):
        """Remove and return the value under key."""
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Remove and return the (key, value) that was inserted last."""
        if not self._keys:
            return self._keys.popitem()
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def get(self, key, default=None):
        """The value under key, or default."""
        return getattr(self, key) if key in self._keys else default

    def fromkeys(self, keys, default=None) -> ParameterDict:
        """A new ParameterDict with these keys, each with the value default."""
        return ParameterDict((key, default) for key in keys)

    def keys(self):
        """The names."""
        return self._keys.keys()

    def items(self):
        """(name, value) pairs."""
        return ((key, self[key]) for key in self._keys)

    def values(self):
        """The values."""
        return (self[key] for key in self._keys)

    def update(self, parameters) -> None:
        """Add the values of a mapping or of an iterable of pairs, replacing those of the same name."""
        ordered = isinstance(parameters, (OrderedDict, ParameterDict)) or not isinstance(parameters, Mapping)
        for key, value in pairs(
            "ParameterDict.update", parameters if ordered else sorted(parameters.items())
        ):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(
            _line(key, value, _type_name(value) if isinstance(value, Tensor) else None)
            for key, value in self.items()
        )

    def __call__(self, input):
        raise note(RuntimeError, "ParameterDict", "should not be called.")

    def __or__(self, other):
        result = self.copy()
        result.update(other)
        return result

    def __ror__(self, other):
        result = other.copy()
        result.update(self)
        return result

    def __ior__(self, other):
        self.update(other)
        return self
