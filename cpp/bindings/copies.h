// SPDX-License-Identifier: Apache-2.0
// Arrays copied into another layout, by the kernel `copy` into the pool's memory; and views, which copy nothing.
#pragma once
#include "bindings/arrays.h"

namespace nabi::bindings {

// A copy with the given strides (elements); null means C order. The array's dtype, alignment and byte order were checked.
PyArrayObject* copy_with_strides(PyArrayObject* array, const int64_t* strides);

// An aligned array in native byte order, of a dtype nabi has and at most 16 dimensions; null with an exception.
PyArrayObject* checked_array(const char* op, PyObject* object);

// Adds to the module, for the Python side of views and copies (strides in bytes, as numpy's):
//   contiguous_copy(array)              a fresh C-ordered copy
//   copy_laid_out(array, like)          a fresh copy with the strides of `like` where that is dense, else C-ordered
//   reshaped(array, shape)              a view where the strides allow one, else a copy
//   view_strides(array, shape)          the strides of such a view, or None
//   as_strided(array, shape, strides)   the same memory; nothing is checked
//   empty(shape, dtype), zeros(shape, dtype)
void init_copies(PyObject* module);

}  // namespace nabi::bindings
