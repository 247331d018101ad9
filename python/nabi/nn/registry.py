# SPDX-License-Identifier: Apache-2.0
"""Where a module keeps its parameters, buffers and submodules.

A module finds ``self.weight`` in its own ``__dict__``, as fast as any attribute. ``self._parameters`` is
nevertheless the one
truth: it is a Registry, a dict that writes what it is told into the ``__dict__`` of every module that owns
it.
"""

from __future__ import annotations

import weakref

_ABSENT = object()


class Registry(dict):
    """A dict of named entries, each also an attribute of the modules that own the dict.

    ``module._parameters["weight"] = p`` is seen by ``module.weight`` at once. An ordinary attribute of the
    same name that the module already has is left alone and hides the entry. Owners are held weakly: a module
    dies by its reference count. ``copy.copy(module)`` makes the copy a second owner of the same dict, as it
    does in PyTorch.

    Example:
        >>> import nabi.nn as nn
        >>> layer = nn.Linear(2, 1)
        >>> layer._parameters["bias"] = None
        >>> print(layer.bias)
        None
    """

    __slots__ = ("_owners",)

    def __init__(self, items=()):
        dict.__init__(self, items)
        self._owners = ()

    def belongs_to(self, module) -> bool:
        """Whether module already is an owner."""
        return any(owner() is module for owner in self._owners)

    def adopt(self, module) -> None:
        """Make module an owner and every entry an attribute of it."""
        if not self.belongs_to(module):
            self._owners += (weakref.ref(module),)
        namespace = module.__dict__
        for name, value in self.items():
            namespace.setdefault(name, value)

    def release(self, module) -> None:
        """Stop owning: the entries are no longer attributes of module."""
        self._owners = tuple(owner for owner in self._owners if owner() not in (None, module))
        namespace = module.__dict__
        for name, value in self.items():
            if namespace.get(name, _ABSENT) is value:
                del namespace[name]

    def _namespaces(self):
        for owner in self._owners:
            module = owner()
            if module is not None:
                yield module.__dict__

    def __setitem__(self, name, value):
        previous = self.get(name, _ABSENT)
        dict.__setitem__(self, name, value)
        for namespace in self._namespaces():
            if namespace.get(name, previous) is previous:
                namespace[name] = value

    def __delitem__(self, name):
        value = self.get(name, _ABSENT)
        dict.__delitem__(self, name)
        for namespace in self._namespaces():
            if namespace.get(name, _ABSENT) is value:
                del namespace[name]

    def pop(self, name, *default):
        if name not in self:
            return dict.pop(self, name, *default)
        value = self[name]
        del self[name]
        return value

    def popitem(self):
        if not self:
            return dict.popitem(self)
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self):
        for name in list(self):
            del self[name]

    def update(self, *args, **kwargs):
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def __ior__(self, other):
        self.update(other)
        return self

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]

    def __reduce_ex__(self, protocol):
        # A plain dict travels: pickles and deep copies carry no private class and no owner;
        # Module.__setstate__ adopts it.
        return dict, (), None, None, iter(self.items())
