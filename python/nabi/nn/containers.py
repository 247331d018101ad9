# SPDX-License-Identifier: Apache-2.0
"""Modules that hold modules: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from nabi.errors import fail
from nabi.nn.module import Module, indent


def position(op: str, index, length: int) -> int:
    """index as a number in 0 ... length - 1, counted from the end if negative; IndexError otherwise."""
    index = operator.index(index)
    if not -length <= index < length:
        valid = f"an index from {-length} to {length - 1}" if length else "no index into an empty container"
        raise fail(IndexError, op, valid, index)
    return index % length


def pairs(op: str, items):
    """The (key, value) pairs of a mapping or of an iterable of pairs."""
    if not isinstance(items, Iterable):
        raise fail(TypeError, op, "a mapping or an iterable of key/value pairs", type(items).__name__)
    if isinstance(items, Mapping) or hasattr(items, "items"):
        yield from items.items()
        return
    for number, pair in enumerate(items):
        if not isinstance(pair, Iterable):
            raise fail(TypeError, op, f"element {number} to be a key/value pair", type(pair).__name__)
        pair = tuple(pair)
        if len(pair) != 2:
            raise fail(ValueError, op, f"element {number} to have length 2", len(pair))
        yield pair


class _ModuleSequence(Module):
    """What Sequential and ModuleList share: modules under the names "0", "1", ..."""

    def _key(self, index) -> str:
        return list(self._modules)[position(type(self).__name__, index, len(self))]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __setitem__(self, index, module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index) -> None:
        doomed = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        for key in doomed:
            delattr(self, key)
        self._modules = {str(place): module for place, module in enumerate(self._modules.values())}

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, module):
        """Add a module at the end; returns self."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key):
        """Remove and return the module at an index, or the modules of a slice."""
        module = self[key]
        del self[key]
        return module

    def _insert(self, index, module) -> None:
        if module is not None and not isinstance(module, Module):
            raise fail(
                TypeError, f"{type(self).__name__}.insert", "an nn.Module or None", type(module).__name__
            )
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._modules = {str(place): module for place, module in enumerate(modules)}


class Sequential(_ModuleSequence):
    """Modules called one after the other, each on the result of the one before.

    Args:
        *args: modules, or one OrderedDict of named modules.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html

    Example:
        >>> import nabi.nn as nn
        >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        >>> model.append(nn.Linear(3, 2))
        Sequential(
          (0): Linear(in_features=4, out_features=3, bias=True)
          (1): ReLU()
          (2): Linear(in_features=3, out_features=2, bias=True)
        )
    """

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for place, module in enumerate(args):
                self.add_module(str(place), module)

    def forward(self, input):
        """Call every module in turn."""
        for module in self._modules.values():
            input = module(input)
        return input

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.__class__(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def extend(self, sequential):
        """Add every module of an iterable at the end; returns self."""
        for module in sequential:
            self.append(module)
        return self

    def insert(self, index, module):
        """Put a module at index, moving the later ones back; returns self."""
        if not isinstance(module, Module):
            raise fail(AssertionError, "Sequential.insert", "an nn.Module", type(module).__name__)
        length = len(self)
        if not -length <= index <= length:
            raise fail(IndexError, "Sequential.insert", f"an index from {-length} to {length}", index)
        self._insert(index, module)
        return self

    def _check_other(self, other):
        if not isinstance(other, Sequential):
            raise fail(ValueError, "Sequential.__add__", "a Sequential", type(other).__name__)

    def __add__(self, other):
        self._check_other(other)
        return Sequential(*self, *other)

    def __iadd__(self, other):
        self._check_other(other)
        return self.extend(list(other))

    def _check_times(self, times):
        if not isinstance(times, int):
            raise fail(TypeError, "Sequential.__mul__", "an int", type(times).__name__)
        if times <= 0:
            raise fail(ValueError, "Sequential.__mul__", "a positive number", times)

    def __mul__(self, times):
        self._check_times(times)
        return Sequential(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times):
        self._check_times(times)
        return self.extend(list(self) * (times - 1))


class ModuleList(_ModuleSequence):
    """A list of modules, registered; it has no forward.

    Args:
        modules: an iterable of modules.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html

    Example:
        >>> import nabi.nn as nn
        >>> nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
        ModuleList(
          (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
        )
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _key(self, index) -> str:
        return str(position(type(self).__name__, index, len(self)))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.__class__(list(self._modules.values())[index])
        return self._modules[self._key(index)]

    def extend(self, modules):
        """Add every module of an iterable at the end; returns self."""
        if not isinstance(modules, Iterable):
            raise fail(TypeError, "ModuleList.extend", "an iterable", type(modules).__name__)
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module) -> None:
        """Put a module at index, moving the later ones back."""
        self._insert(index, module)

    def __iadd__(self, modules):
        return self.extend(modules)

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        blocks = []  # [first, last, text]: equal neighbours are shown once
        for place, module in enumerate(self):
            text = repr(module)
            if blocks and blocks[-1][2] == text:
                blocks[-1][1] = place
            else:
                blocks.append([place, place, text])
        lines = [
            f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in blocks
        ]
        if not lines:
            return f"{self._get_name()}()"
        return "\n  ".join([f"{self._get_name()}(", *map(indent, lines)]) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules, registered, in the order of insertion; it has no forward.

    Args:
        modules: a mapping from name to module, or an iterable of pairs.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html

    Example:
        >>> import nabi.nn as nn
        >>> nn.ModuleDict({"wide": nn.Linear(2, 8), "off": nn.Identity()})
        ModuleDict(
          (wide): Linear(in_features=2, out_features=8, bias=True)
          (off): Identity()
        )
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove every module."""
        self._modules.clear()

    def pop(self, key):
        """Remove and return the module under key."""
        module = self[key]
        del self[key]
        return module

    def keys(self):
        """The names."""
        return self._modules.keys()

    def items(self):
        """(name, module) pairs."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules) -> None:
        """Add the modules of a mapping or of an iterable of pairs, replacing those of the same name."""
        for key, module in pairs("ModuleDict.update", modules):
            self[key] = module
