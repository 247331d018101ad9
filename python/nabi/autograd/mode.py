# SPDX-License-Identifier: Apache-2.0
"""The switches that turn recording on and off, each a context manager and a decorator, each for its own thread."""

from __future__ import annotations

import functools

from ..errors import fail
from .graph import mode


class _Switch:
    """Sets the mode on entry and puts back what was there on exit."""

    def __enter__(self):
        self._before = getattr(self, "_before", [])
        self._before.append((mode.enabled, mode.inference))
        self._set()

    def __exit__(self, *error) -> None:
        mode.enabled, mode.inference = self._before.pop()

    def _set(self) -> None:
        raise NotImplementedError

    def _clone(self):
        return type(self)()

    def __call__(self, function):
        """As a decorator: each call (and each step of a generator) runs under the switch."""
        import inspect

        if not callable(function):
            raise fail(TypeError, type(self).__name__, "a function to decorate", type(function).__name__)
        if inspect.isclass(function):
            import warnings

            warnings.warn(
                f"{type(self).__name__}: decorating a class only covers its construction; decorate its methods instead",
                FutureWarning,
                stacklevel=2,
            )
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def switched(*args, **kwargs):
            with self._clone():
                return function(*args, **kwargs)

        return switched

    def _wrap_generator(self, function):
        @functools.wraps(function)
        def switched(*args, **kwargs):
            generator = function(*args, **kwargs)
            sent, thrown = None, None
            try:
                while True:
                    with self._clone():
                        item = generator.throw(thrown) if thrown else generator.send(sent)
                    sent, thrown = None, None
                    try:
                        sent = yield item
                    except GeneratorExit:
                        generator.close()
                        raise
                    except BaseException as error:
                        thrown = error
            except StopIteration as stop:
                return stop.value

        return switched


class no_grad(_Switch):
    """Operations inside are not recorded: less memory, less time, nothing to walk back.

    Example:
        >>> import nabi
        >>> x = nabi.ones(2, requires_grad=True)
        >>> with nabi.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __new__(cls, function=None):
        switch = object.__new__(cls)
        return switch if function is None else switch(function)

    def _set(self) -> None:
        mode.enabled = False


class enable_grad(_Switch):
    """Records inside a ``no_grad`` block."""

    def __new__(cls, function=None):
        switch = object.__new__(cls)
        return switch if function is None else switch(function)

    def _set(self) -> None:
        mode.enabled = True


class set_grad_enabled(_Switch):
    """Recording on or off: at once when called, back again at the end of a ``with`` block."""

    def __init__(self, mode_: bool):
        if not isinstance(mode_, bool):
            raise fail(TypeError, "set_grad_enabled", "a bool", type(mode_).__name__)
        self._wanted = mode_
        self._before = [(mode.enabled, mode.inference)]
        mode.enabled = self._wanted
        self._entered = False

    def __enter__(self):
        if self._entered:
            self._before.append((mode.enabled, mode.inference))
        self._entered = True
        self._set()

    def _set(self) -> None:
        mode.enabled = self._wanted

    def _clone(self):
        return set_grad_enabled(self._wanted)

    def __call__(self, function):
        mode.enabled, mode.inference = self._before[0]
        return super().__call__(function)


class inference_mode(_Switch):
    """``no_grad``, and what is made inside can never take part in a recorded operation."""

    def __new__(cls, mode_=True):
        switch = object.__new__(cls)
        if callable(mode_):
            switch._wanted = True
            return switch(mode_)
        if not isinstance(mode_, bool):
            raise fail(TypeError, "inference_mode", "a bool or a function", type(mode_).__name__)
        switch._wanted = mode_
        return switch

    def _clone(self):
        return inference_mode(self._wanted)

    def _set(self) -> None:
        mode.inference = self._wanted
        mode.enabled = not self._wanted


def is_grad_enabled() -> bool:
    """True where operations of this thread are recorded."""
    return mode.enabled


def is_inference_mode_enabled() -> bool:
    """True inside ``inference_mode``."""
    return mode.inference
