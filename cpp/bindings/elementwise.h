// SPDX-License-Identifier: Apache-2.0
// Broadcasting ops: operands from Python to one Elementwise walk in memory order.
#pragma once
#include "bindings/arrays.h"

namespace nabi::bindings {

// inputs arrays (or Python numbers, not all of them) -> one fresh array, or into the array given after them.
// The output lies where PyTorch would put it (layout.h).
PyObject* call_elementwise(Status (*kernel)(const Elementwise&) noexcept, const char* op, int inputs,
                           PyObject* const* arguments, Py_ssize_t count);

// The kernel on operands that were checked; without the GIL where the work is worth it.
Status run_elementwise(Status (*kernel)(const Elementwise&) noexcept, const Elementwise& e);

}  // namespace nabi::bindings
