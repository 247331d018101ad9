// SPDX-License-Identifier: Apache-2.0
// _C.Generator: one random stream and its lock. A C type because every random kernel call takes one.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "runtime/mt19937.h"

namespace nabi::bindings {

// Adds class Generator to the module: manual_seed(int), initial_seed(), seed(), get_state(), set_state(array), random32(),
// random64(). get_state gives the bytes of torch.get_rng_state() as a uint8 array.
void init_generator(PyObject* module);

// The stream of a Generator or of an instance of a subclass; null with a TypeError for anything else.
Mt19937* generator_state(PyObject* object);

// With or without the GIL, which whoever holds this lock must not ask for.
void generator_lock(PyObject* generator);
void generator_unlock(PyObject* generator);

}  // namespace nabi::bindings
