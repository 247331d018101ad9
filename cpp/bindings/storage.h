// SPDX-License-Identifier: Apache-2.0
// _C.Storage: the record that a tensor, its views and its detached copies share. A C type because one is made for
// every tensor that autograd saves.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace nabi::bindings {

// Adds class Storage to the module: attribute version (int, counts in-place changes), method bump().
void init_storage(PyObject* module);

}  // namespace nabi::bindings
