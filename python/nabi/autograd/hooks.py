# SPDX-License-Identifier: Apache-2.0
"""Functions that see a gradient on its way."""

from __future__ import annotations

import weakref
from itertools import count

from ..errors import note
from ..tensor import method

_next_id = count().__next__


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away; also a context manager."""

    __slots__ = ("_hooks", "id")

    def __init__(self, hooks: dict):
        self._hooks = hooks
        self.id = _next_id()

    def remove(self) -> None:
        """Takes the hook away; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self.remove()


@method("register_hook")
def register_hook(self, hook) -> RemovableHandle:
    """``hook(grad)`` runs whenever a gradient for this tensor is computed; what it returns, unless None, replaces it."""
    if not self.requires_grad:
        raise note(
            RuntimeError, "register_hook", "cannot register a hook on a tensor that doesn't require gradient"
        )
    node = self.grad_fn
    if node is None:
        if self._hooks is None:
            self._hooks = {}
        hooks = self._hooks
    else:
        if node.hooks is None:
            node.hooks = {}
        hooks = node.hooks.setdefault(self._index, {})
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


@method("register_post_accumulate_grad_hook")
def register_post_accumulate_grad_hook(self, hook) -> RemovableHandle:
    """``hook(tensor)`` runs after ``backward`` has added into this leaf's ``grad``."""
    if not self.requires_grad or not self.is_leaf:
        raise note(
            RuntimeError,
            "register_post_accumulate_grad_hook",
            "post accumulate grad hooks cannot be registered on non-leaf tensors",
        )
    if self._post_hooks is None:
        self._post_hooks = {}
    hooks = self._post_hooks
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


@method("retain_grad")
def retain_grad(self) -> None:
    """Makes ``backward`` fill the ``grad`` of a tensor that is not a leaf."""
    if not self.requires_grad:
        raise note(RuntimeError, "retain_grad", "can't retain_grad on Tensor that has requires_grad=False")
    node = self.grad_fn
    if node is None or self._retains:
        return
    self._retains = True
    if node.retained is None:
        node.retained = {}
    node.retained[self._index] = weakref.ref(self)
