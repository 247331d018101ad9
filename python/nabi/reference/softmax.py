# SPDX-License-Identifier: Apache-2.0
"""Softmax and cross entropy."""

from __future__ import annotations

import numpy as np


def softmax(x, dim):
    """e^x / sum of e^x, shifted by the largest so that nothing overflows"""
    e = np.exp(x - np.max(x, axis=dim, keepdims=True))
    return e / np.sum(e, axis=dim, keepdims=True)


def log_softmax(x, dim):
    """x - log sum of e^x"""
    shifted = x - np.max(x, axis=dim, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))


def distribution(target, classes, smoothing):
    """Labels (N, d...) as rows of zeros with one 1, or probabilities as they are; then a share spread over all."""
    if target.dtype.kind in "iu":
        one_hot = np.zeros((*target.shape, classes))
        for position in np.ndindex(target.shape):
            if 0 <= target[position] < classes:
                one_hot[(*position, target[position])] = 1
        target = np.moveaxis(one_hot, -1, 1 if target.ndim else 0)
    return (1 - smoothing) * target + smoothing / classes


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """-sum over classes of weight q log softmax(x), q the smoothed target. Labels equal to ignore_index count nowhere.

    A mean of labels is divided by the summed weights of the labels, a mean of probabilities by the number of rows.
    """
    dim = 0 if x.ndim == 1 else 1
    classes = x.shape[dim]
    w = np.ones(classes) if weight is None else weight
    along = w.reshape([-1 if axis == dim else 1 for axis in range(x.ndim)])
    mass = along * distribution(target, classes, label_smoothing)
    # A class without mass adds nothing, whatever its logit.
    losses = -np.where(mass == 0, 0.0, mass * log_softmax(x, dim)).sum(dim)
    total = np.float64(x.size // classes)
    if target.dtype.kind in "iu":
        kept = target != ignore_index
        losses = np.where(kept, losses, 0.0)
        total = np.sum(np.where(kept, w[np.where(kept, target, 0)], 0.0))
    if reduction == "none":
        return losses
    return losses.sum() / total if reduction == "mean" else losses.sum()
