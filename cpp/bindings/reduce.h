// SPDX-License-Identifier: Apache-2.0
// Reductions: an array and some of its dimensions to one Reduction.
#pragma once
#include "bindings/arrays.h"

namespace nabi::bindings {

// (array, dims or None for all, keepdim, divisor) -> a fresh C-ordered array. dims: a tuple of ints from 0, each once.
PyObject* call_reduce(Status (*kernel)(const Reduction&, double) noexcept, const char* op, PyObject* const* arguments,
                      Py_ssize_t count);

}  // namespace nabi::bindings
