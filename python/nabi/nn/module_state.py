# SPDX-License-Identifier: Apache-2.0
"""A Module's state as a flat dictionary of tensors, and back."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from nabi.autograd import no_grad
from nabi.errors import fail, note
from nabi.nn.hooks import WrappedHook, add_hook
from nabi.nn.parameter import Parameter
from nabi.tensor import Tensor

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What load_state_dict returns: the keys that were missing and those that nobody wanted."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"

    __str__ = __repr__


class ModuleState:
    """The part of Module that saves and loads; never used alone."""

    def get_extra_state(self):
        """Whatever else belongs into the state_dict; set_extra_state takes it back."""
        raise note(RuntimeError, "Module.get_extra_state", "a subclass must define it before it is called")

    def set_extra_state(self, state):
        """Take back what get_extra_state returned."""
        raise note(RuntimeError, "Module.set_extra_state", "a subclass must define it before it is called")

    # Saving

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """Parameters and persistent buffers by path; the tensors share the module's memory.

        Args:
            destination: a dict to fill; a new OrderedDict, whose ``_metadata`` holds the modules' versions,
                if None.
            prefix: put in front of every key.
            keep_vars: the parameters themselves instead of detached tensors.

        Example:
            >>> import nabi.nn as nn
            >>> list(nn.Linear(2, 1).state_dict(prefix="out."))
            ['out.weight', 'out.bias']
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead.", FutureWarning, stacklevel=2
            )
            destination, prefix, keep_vars = (*args, *(destination, prefix, keep_vars)[len(args) :])
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self.__dict__.get("_state_dict_pre_hooks", {}).values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self.__dict__.get("_state_dict_hooks", {}).values():
            changed = hook(self, destination, prefix, local_metadata)
            if changed is not None:
                if getattr(hook, "_from_public_api", False):
                    raise note(RuntimeError, "Module.state_dict", "state_dict post-hook must return None")
                destination = changed
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Put this module's own entries into destination; a subclass may save in its own way."""
        transient = self._non_persistent_buffers_set
        buffers = ((name, buffer) for name, buffer in self._buffers.items() if name not in transient)
        for name, value in (*self._parameters.items(), *buffers):
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        if _overrides(self, "get_extra_state"):
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def register_state_dict_pre_hook(self, hook):
        """Run ``hook(module, prefix, keep_vars)`` before state_dict() collects; returns a handle."""
        return add_hook(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Run ``hook(module, state_dict, prefix, local_metadata)`` after state_dict(); returns a handle."""
        hook._from_public_api = True
        return add_hook(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook):
        if getattr(hook, "_from_public_api", False):
            sentence = "the same function was registered as a state dict post hook before"
            raise note(RuntimeError, "Module", sentence)
        return add_hook(self._state_dict_hooks, hook)

    # Loading

    def register_load_state_dict_pre_hook(self, hook):
        """Run a hook before this module loads; returns a handle.

        Called as ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)``.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return add_hook(self._load_state_dict_pre_hooks, WrappedHook(hook, self if with_module else None))

    def register_load_state_dict_post_hook(self, hook):
        """Run ``hook(module, incompatible_keys)`` after loading; it may change them. Returns a handle."""
        return add_hook(self._load_state_dict_post_hooks, hook)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy a state_dict into the module's parameters and buffers.

        As in PyTorch, everything that fits is copied before what does not fit is reported.

        Args:
            state_dict: a mapping from path to tensor.
            strict: missing and unexpected keys are errors.
            assign: the tensors themselves become parameters and buffers; an optimizer must be made
                afterwards.

        Returns:
            a named tuple of the lists ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: state_dict is no mapping.
            RuntimeError: a shape differs, a value is no tensor, or strict and the keys differ; the message
            lists all of it.
        """
        if not isinstance(state_dict, Mapping):
            raise fail(TypeError, "Module.load_state_dict", "state_dict to be dict-like", type(state_dict))
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)  # hooks may change it
        if metadata is not None:
            state_dict._metadata = metadata
        missing, unexpected, errors = [], [], []
        self._load_tree(state_dict, "", metadata or {}, assign, missing, unexpected, errors)
        if strict:
            for what, keys in (("Unexpected", unexpected), ("Missing", missing)):
                if keys:
                    quoted = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{what} key(s) in state_dict: {quoted}. ")
        if errors:
            sentence = "Error(s) in loading state_dict for {}:\n\t{}"
            error = note(RuntimeError, "Module.load_state_dict", "")
            error.args = (sentence.format(type(self).__name__, "\n\t".join(errors)),)
            raise error
        return _IncompatibleKeys(missing, unexpected)

    def _load_tree(self, state_dict, prefix, metadata, assign, missing, unexpected, errors):
        local_metadata = metadata.get(prefix[:-1], {})
        if assign:
            local_metadata = {**local_metadata, "assign_to_params_buffers": True}
        self._load_from_state_dict(state_dict, prefix, local_metadata, True, missing, unexpected, errors)
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}{name}."
                below = {key: value for key, value in state_dict.items() if key.startswith(path)}
                module._load_tree(below, path, metadata, assign, missing, unexpected, errors)
        for hook in self.__dict__.get("_load_state_dict_post_hooks", {}).values():
            if hook(self, _IncompatibleKeys(missing, unexpected)) is not None:
                sentence = "a load_state_dict post-hook must return None; it changes the lists in place"
                raise note(AssertionError, "Module.load_state_dict", sentence)

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Load this module's own entries, collecting what is wrong; subclasses may load old versions."""
        for hook in self.__dict__.get("_load_state_dict_pre_hooks", {}).values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        transient = self._non_persistent_buffers_set
        local = {name: value for name, value in self._parameters.items() if value is not None}
        local.update((k, v) for k, v in self._buffers.items() if v is not None and k not in transient)
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, mine in local.items():
            if prefix + name in state_dict:
                self._load_entry(name, mine, prefix + name, state_dict[prefix + name], assign, error_msgs)
            elif strict:
                missing_keys.append(prefix + name)
        extra_key = prefix + _EXTRA_STATE
        if _overrides(self, "set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra_key:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else local):
                        unexpected_keys.append(key)

    def _load_entry(self, name, mine, key, given, assign, error_msgs):
        if not isinstance(given, Tensor):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                f"from checkpoint but received {type(given)}"
            )
            return
        if mine.dim() == 0 and tuple(given.shape) == (1,):  # how PyTorch stored scalars long ago
            given = given[0]
        if given.shape != mine.shape:
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
                f"the shape in current model is {mine.shape}."
            )
            return
        try:
            with no_grad():
                if not assign:
                    mine.copy_(given)
                elif not isinstance(mine, Parameter):
                    setattr(self, name, given)
                elif isinstance(given, Parameter):
                    setattr(self, name, given.requires_grad_(mine.requires_grad))
                else:
                    setattr(self, name, Parameter(given, requires_grad=mine.requires_grad))
        except Exception as error:
            error_msgs.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{mine.size()} and whose dimensions in the checkpoint are {given.size()}, "
                f"an exception occurred : {error.args}."
            )


def _overrides(module, name):
    return getattr(type(module), name) is not getattr(ModuleState, name)
