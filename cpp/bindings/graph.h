// SPDX-License-Identifier: Apache-2.0
// The records of the graph: what a Tensor and a Node are made of. Data only; what they mean is python/nabi/autograd/.
// They are C structs because every operation makes one of each: filling a Python instance costs more than a small kernel.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace nabi::bindings {

// Adds to the module:
//   TensorBase, NodeBase, Storage   the records
//   mode                            the thread's switches: mode.enabled, mode.inference
//   record(kind, array, dtype, inputs, context=None, extra=())       -> Tensor
//   record_view(kind, source, array, context)                        -> Tensor that is a view of source
//   bump(tensor)                    one more in-place change
//   register_graph(Tensor, Slot, frozen)   the Python classes that record makes, once at import
void init_graph(PyObject* module);

}  // namespace nabi::bindings
