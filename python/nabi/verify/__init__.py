# SPDX-License-Identifier: Apache-2.0
"""One table of cases, many walkers: every operation checked against its float64 definition.

A case (``nabi.verify.case``) names an operation, its definition in ``nabi.reference``, how to draw inputs for it and
which inputs it must refuse. A walker (``nabi.verify.walkers``) runs any case in one way: values, gradients, layouts,
special values, bad inputs, instruction sets, threads. ``python -m nabi.verify`` runs them all from an installed wheel.
"""
