// SPDX-License-Identifier: Apache-2.0
// numpy arrays on their way into and out of kernels: dtype and layout checks, outputs from the buffer pool.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL nabi_numpy_api
#ifndef NABI_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include <string>

#include "runtime/array.h"

namespace nabi::bindings {

// Sets a Python exception `op: message` marked as nabi's own (attribute nabi_op), so that nn.Module may add its path.
// Always returns null, to be returned by the caller.
PyObject* raise_no_memory(const char* op);
PyObject* out_of_memory_error();  // the exception's class, borrowed
PyObject* raise_error(PyObject* type, const char* op, const std::string& message);

// False, without an exception, where numpy's type number is none of nabi's dtypes.
bool dtype_of(PyArrayObject* array, DType& dtype);
const char* dtype_name(DType dtype);
int numpy_type(DType dtype);
size_t item_size(DType dtype);

std::string shape_text(int ndim, const int64_t* shape);
std::string shape_text(PyArrayObject* array);
// What a Python object is, for the "got" of a message: a shape and dtype, or a type's name.
std::string describe(PyObject* object);

// A fresh uninitialised array whose memory comes from the pool and goes back when the array dies. Strides count
// elements; null means C order.
PyArrayObject* new_array(DType dtype, int ndim, const int64_t* shape, const int64_t* strides = nullptr);

// True if the array covers its memory without gaps or repeats, in whatever order of dimensions.
bool is_dense(PyArrayObject* array);

// Once, at import: numpy's C API and the pool's memory handler.
bool initialise_arrays();

}  // namespace nabi::bindings
