# SPDX-License-Identifier: Apache-2.0
"""Hooks: what runs around a module's forward and backward because the user asked for it."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict

from nabi.errors import fail, note
from nabi.nn.taps import BackwardTap

# Hooks of all modules.
global_forward_pre_hooks = OrderedDict()
global_forward_hooks = OrderedDict()
global_forward_hooks_with_kwargs = OrderedDict()
global_forward_hooks_always_called = OrderedDict()
global_backward_pre_hooks = OrderedDict()
global_backward_hooks = OrderedDict()
global_buffer_registration_hooks = OrderedDict()
global_module_registration_hooks = OrderedDict()
global_parameter_registration_hooks = OrderedDict()


class RemovableHandle:
    """What registering a hook returns; ``remove()`` takes the hook away. Also a context manager.

    Args:
        hooks_dict: the ordered dict that holds the hook under ``handle.id``.
        extra_dict: a dict, or a list of dicts, that lose the same key.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.utils.hooks.RemovableHandle.html
    """

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = extra_dict if isinstance(extra_dict, list) else [] if extra_dict is None else [extra_dict]
        self._dicts = tuple(weakref.ref(d) for d in (hooks_dict, *extra))

    def remove(self) -> None:
        """Take the hook away; calling it again does nothing."""
        for reference in self._dicts:
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception) -> None:
        self.remove()

    def __getstate__(self):
        return self.id, tuple(reference() for reference in self._dicts)

    def __setstate__(self, state):
        self.id, dicts = state
        self._dicts = tuple(weakref.ref(OrderedDict() if d is None else d) for d in dicts)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)


def add_hook(hooks, hook, prepend=False, marks=()) -> RemovableHandle:
    """Put hook into the ordered dict hooks (at its front if prepend) and its id into every dict of marks."""
    handle = RemovableHandle(hooks, extra_dict=list(marks))
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    for mark in marks:
        mark[handle.id] = True
    return handle


class WrappedHook:
    """A hook that is given the module it was registered on, which it holds weakly."""

    def __init__(self, hook, module=None):
        self.hook = hook
        self._module = None if module is None else weakref.ref(module)

    def __call__(self, *args):
        if self._module is None:
            return self.hook(*args)
        module = self._module()
        if module is None:
            raise note(RuntimeError, "Module", "a hook was called whose module no longer exists")
        return self.hook(module, *args)

    def __getstate__(self):
        return self.hook, None if self._module is None else self._module()

    def __setstate__(self, state):
        self.__init__(*state)


def _run_pre_hooks(module, args, kwargs):
    with_kwargs = module._forward_pre_hooks_with_kwargs
    for number, hook in (*global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
        if number in with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                expected = "a forward pre-hook to return None or a tuple of (new_args, new_kwargs)"
                raise fail(RuntimeError, "Module", expected, changed)
            args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _forward_hooks(module):
    """(number, hook, takes kwargs, always called) in the order in which they run."""
    for number, hook in tuple(global_forward_hooks.items()):
        yield (
            number,
            hook,
            number in global_forward_hooks_with_kwargs,
            number in global_forward_hooks_always_called,
        )
    for number, hook in tuple(module._forward_hooks.items()):
        yield (
            number,
            hook,
            number in module._forward_hooks_with_kwargs,
            number in module._forward_hooks_always_called,
        )


def call_with_hooks(module, args, kwargs):
    """What ``module(*args, **kwargs)`` does once any hook was asked for.

    Order: forward pre-hooks, forward, forward hooks; the hooks of all modules before the module's own. A
    forward hook registered with always_call also runs when something raised. Backward hooks see the module's
    inputs and outputs through taps.
    """
    result = None
    called = set()
    try:
        args, kwargs = _run_pre_hooks(module, args, kwargs)
        before = (*global_backward_pre_hooks.values(), *module._backward_pre_hooks.values())
        after = (*global_backward_hooks.values(), *module._backward_hooks.values())
        tap = BackwardTap(module, after, before) if before or after else None
        if tap:
            args = tap.inputs(args)
        result = module.forward(*args, **kwargs)
        for number, hook, takes_kwargs, _ in _forward_hooks(module):
            called.add(number)
            changed = hook(module, args, kwargs, result) if takes_kwargs else hook(module, args, result)
            if changed is not None:
                result = changed
        if tap:
            result = tap.outputs(result)
        return result
    except Exception:
        for number, hook, takes_kwargs, always in _forward_hooks(module):
            if not always or number in called:
                continue
            try:
                changed = hook(module, args, kwargs, result) if takes_kwargs else hook(module, args, result)
                result = result if changed is None else changed
            except Exception as error:
                sentence = (
                    f"a forward hook with always_call=True raised while another error was raised: {error}"
                )
                warnings.warn(sentence, stacklevel=3)
        raise


def _add_global_call_hook(hooks, hook, marks=()) -> RemovableHandle:
    from nabi.nn.module import Module

    Module._hooked = True
    return add_hook(hooks, hook, marks=marks)


def register_module_forward_pre_hook(hook) -> RemovableHandle:
    """Run ``hook(module, args)`` before the forward of every module; returns a handle."""
    return _add_global_call_hook(global_forward_pre_hooks, hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False) -> RemovableHandle:
    """Run ``hook(module, args, output)`` after the forward of every module; returns a handle."""
    marks = [global_forward_hooks_with_kwargs] if with_kwargs else []
    marks += [global_forward_hooks_always_called] if always_call else []
    return _add_global_call_hook(global_forward_hooks, hook, marks)


def register_module_full_backward_pre_hook(hook) -> RemovableHandle:
    """Run ``hook(module, grad_output)`` before the backward of every module; returns a handle."""
    return _add_global_call_hook(global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook) -> RemovableHandle:
    """Run ``hook(module, grad_input, grad_output)`` after the backward of every module; returns a handle."""
    return _add_global_call_hook(global_backward_hooks, hook)


def register_module_buffer_registration_hook(hook) -> RemovableHandle:
    """Run ``hook(module, name, buffer)`` whenever a buffer is registered; a result replaces it."""
    return add_hook(global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook) -> RemovableHandle:
    """Run ``hook(module, name, submodule)`` whenever a module is registered; a result replaces it."""
    return add_hook(global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook) -> RemovableHandle:
    """Run ``hook(module, name, parameter)`` whenever a parameter is registered; a result replaces it."""
    return add_hook(global_parameter_registration_hooks, hook)


def run_registration_hooks(hooks, module, name, value):
    """The value that the registration hooks leave of value."""
    for hook in hooks.values():
        changed = hook(module, name, value)
        if changed is not None:
            value = changed
    return value
