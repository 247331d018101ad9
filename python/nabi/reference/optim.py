# SPDX-License-Identifier: Apache-2.0
"""Steps of optimizers."""

from __future__ import annotations


def sgd(p, grads, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    """The parameter after one step for each gradient, and the momentum buffer (None without momentum).

    g = grad + weight_decay p; b = momentum b + (1 - dampening) g, in the first step b = g;
    p -= lr b, with nesterov p -= lr (g + momentum b), without momentum p -= lr g.
    """
    buffer = None
    for grad in grads:
        g = -grad if maximize else grad
        if weight_decay != 0:
            g = g + weight_decay * p
        if momentum != 0:
            buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        p = p - lr * g
    return p, buffer
