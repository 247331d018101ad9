// SPDX-License-Identifier: Apache-2.0
#include "bindings/copies.h"

#include <algorithm>
#include <cstring>

#include "bindings/active_set.h"
#include "bindings/elementwise.h"
#include "bindings/layout.h"

namespace nabi::bindings {

namespace {

struct Shape {
    int ndim = 0;
    int64_t sizes[MAX_DIMS];
};

bool take_shape(const char* op, PyObject* object, Shape& shape) {
    if (!PyTuple_Check(object) || PyTuple_GET_SIZE(object) > MAX_DIMS) {
        raise_error(PyExc_RuntimeError, op, "expected a tuple of at most 16 ints, got " + describe(object));
        return false;
    }
    shape.ndim = static_cast<int>(PyTuple_GET_SIZE(object));
    for (int d = 0; d < shape.ndim; d++) {
        shape.sizes[d] = PyLong_AsLongLong(PyTuple_GET_ITEM(object, d));
        if (shape.sizes[d] == -1 && PyErr_Occurred()) return false;
    }
    return true;
}

bool wrong_count(const char* op, Py_ssize_t wanted, Py_ssize_t count) {
    if (count == wanted) return false;
    raise_error(PyExc_TypeError, op, "expected " + std::to_string(wanted) + " arguments, got " + std::to_string(count));
    return true;
}

// Strides (bytes) with which `wanted`, of as many elements, reads the array's elements in the same order; false where
// only a copy can. Runs of dimensions that lie behind each other in memory are matched with groups of new dimensions.
bool find_view_strides(PyArrayObject* array, const Shape& wanted, npy_intp* strides) {
    const npy_intp item = PyArray_ITEMSIZE(array);
    const int ndim = PyArray_NDIM(array);
    if (PyArray_SIZE(array) == 0 || PyArray_IS_C_CONTIGUOUS(array)) {
        npy_intp step = item;
        for (int d = wanted.ndim - 1; d >= 0; d--) {
            strides[d] = step;
            step *= std::max<npy_intp>(wanted.sizes[d], 1);
        }
        return true;
    }
    std::fill(strides, strides + wanted.ndim, item);
    int to = wanted.ndim - 1;
    npy_intp run = 1, step = PyArray_STRIDE(array, ndim - 1);
    for (int d = ndim - 1; d >= 0; d--) {
        run *= PyArray_DIM(array, d);
        if (d > 0 && (PyArray_DIM(array, d - 1) == 1 || PyArray_STRIDE(array, d - 1) == run * step)) continue;
        npy_intp part = 1;
        for (; to >= 0 && (part < run || wanted.sizes[to] == 1); to--) {
            strides[to] = part * step;
            part *= wanted.sizes[to];
        }
        if (part != run) return false;
        if (d > 0) {
            run = 1;
            step = PyArray_STRIDE(array, d - 1);
        }
    }
    return to < 0;
}

PyObject* view_of(PyArrayObject* array, int ndim, const int64_t* shape, const npy_intp* strides) {
    PyArray_Descr* dtype = PyArray_DESCR(array);
    Py_INCREF(dtype);
    PyObject* view =
        PyArray_NewFromDescr(&PyArray_Type, dtype, ndim, reinterpret_cast<npy_intp*>(const_cast<int64_t*>(shape)),
                             const_cast<npy_intp*>(strides), PyArray_DATA(array),
                             PyArray_ISWRITEABLE(array) ? NPY_ARRAY_WRITEABLE : 0, nullptr);
    if (!view) return nullptr;
    Py_INCREF(array);
    if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(view), reinterpret_cast<PyObject*>(array)) < 0) {
        Py_CLEAR(view);
    }
    return view;
}

PyObject* contiguous_copy(PyObject*, PyObject* object) {
    PyArrayObject* array = checked_array("contiguous_copy", object);
    return array ? reinterpret_cast<PyObject*>(copy_with_strides(array, nullptr)) : nullptr;
}

PyObject* copy_laid_out(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (wrong_count("copy_laid_out", 2, count)) return nullptr;
    PyArrayObject* array = checked_array("copy_laid_out", arguments[0]);
    PyArrayObject* like = array ? checked_array("copy_laid_out", arguments[1]) : nullptr;
    if (!like) return nullptr;
    const int ndim = PyArray_NDIM(array);
    if (PyArray_NDIM(like) != ndim ||
        !std::equal(PyArray_SHAPE(array), PyArray_SHAPE(array) + ndim, PyArray_SHAPE(like))) {
        return raise_error(PyExc_RuntimeError, "copy_laid_out",
                           "expected two arrays of shape " + shape_text(like) + ", got " + describe(arguments[0]));
    }
    if (!is_dense(like)) return reinterpret_cast<PyObject*>(copy_with_strides(array, nullptr));
    int64_t strides[MAX_DIMS];
    for (int d = 0; d < ndim; d++) strides[d] = PyArray_STRIDE(like, d) / PyArray_ITEMSIZE(like);
    return reinterpret_cast<PyObject*>(copy_with_strides(array, strides));
}

bool take_view(const char* op, PyObject* const* arguments, Py_ssize_t count, PyArrayObject*& array, Shape& shape) {
    if (wrong_count(op, 2, count)) return false;
    array = checked_array(op, arguments[0]);
    if (!array || !take_shape(op, arguments[1], shape)) return false;
    int64_t size = 1;
    bool fits = true;
    for (int d = 0; d < shape.ndim; d++) {
        fits = fits && shape.sizes[d] >= 0 && !__builtin_mul_overflow(size, shape.sizes[d], &size);
    }
    if (fits && size == PyArray_SIZE(array)) return true;
    raise_error(PyExc_RuntimeError, op,
                "expected a shape of " + std::to_string(PyArray_SIZE(array)) + " elements, got " +
                    shape_text(shape.ndim, shape.sizes));
    return false;
}

PyObject* reshaped(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    PyArrayObject* array;
    Shape shape;
    if (!take_view("reshaped", arguments, count, array, shape)) return nullptr;
    npy_intp strides[MAX_DIMS];
    if (find_view_strides(array, shape, strides)) return view_of(array, shape.ndim, shape.sizes, strides);
    PyArrayObject* copy = copy_with_strides(array, nullptr);
    if (!copy) return nullptr;
    find_view_strides(copy, shape, strides);
    PyObject* view = view_of(copy, shape.ndim, shape.sizes, strides);
    Py_DECREF(copy);
    return view;
}

PyObject* view_strides(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    PyArrayObject* array;
    Shape shape;
    if (!take_view("view_strides", arguments, count, array, shape)) return nullptr;
    npy_intp strides[MAX_DIMS];
    if (!find_view_strides(array, shape, strides)) Py_RETURN_NONE;
    PyObject* found = PyTuple_New(shape.ndim);
    for (int d = 0; found && d < shape.ndim; d++) {
        PyObject* step = PyLong_FromLongLong(strides[d]);
        if (!step) Py_CLEAR(found);
        if (found) PyTuple_SET_ITEM(found, d, step);
    }
    return found;
}

PyObject* as_strided(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (wrong_count("as_strided", 3, count)) return nullptr;
    PyArrayObject* array = checked_array("as_strided", arguments[0]);
    Shape shape, strides;
    if (!array || !take_shape("as_strided", arguments[1], shape) || !take_shape("as_strided", arguments[2], strides)) {
        return nullptr;
    }
    if (shape.ndim != strides.ndim) {
        return raise_error(PyExc_RuntimeError, "as_strided",
                           "expected as many strides as sizes, got " + std::to_string(strides.ndim));
    }
    npy_intp steps[MAX_DIMS];
    std::copy(strides.sizes, strides.sizes + strides.ndim, steps);
    return view_of(array, shape.ndim, shape.sizes, steps);
}

PyArrayObject* fresh(const char* op, PyObject* const* arguments, Py_ssize_t count) {
    Shape shape;
    PyArray_Descr* descr = nullptr;
    if (wrong_count(op, 2, count) || !take_shape(op, arguments[0], shape)) return nullptr;
    if (!PyArray_DescrConverter(arguments[1], &descr)) return nullptr;
    for (const DType dtype :
         {DType::f32, DType::f64, DType::i64, DType::i32, DType::i16, DType::i8, DType::u8, DType::b8}) {
        if (descr->type_num != numpy_type(dtype)) continue;
        Py_DECREF(descr);
        return new_array(dtype, shape.ndim, shape.sizes);
    }
    Py_DECREF(descr);
    raise_error(PyExc_RuntimeError, op, "expected a dtype nabi has, got " + describe(arguments[1]));
    return nullptr;
}

PyObject* empty(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return reinterpret_cast<PyObject*>(fresh("empty", arguments, count));
}

PyObject* zeros(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    PyArrayObject* array = fresh("zeros", arguments, count);
    if (array) std::memset(PyArray_DATA(array), 0, static_cast<size_t>(PyArray_NBYTES(array)));
    return reinterpret_cast<PyObject*>(array);
}

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef METHODS[] = {{"contiguous_copy", contiguous_copy, METH_O, nullptr},
                         {"copy_laid_out", fast(copy_laid_out), METH_FASTCALL, nullptr},
                         {"reshaped", fast(reshaped), METH_FASTCALL, nullptr},
                         {"view_strides", fast(view_strides), METH_FASTCALL, nullptr},
                         {"as_strided", fast(as_strided), METH_FASTCALL, nullptr},
                         {"empty", fast(empty), METH_FASTCALL, nullptr},
                         {"zeros", fast(zeros), METH_FASTCALL, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyArrayObject* checked_array(const char* op, PyObject* object) {
    if (!PyArray_Check(object)) {
        raise_error(PyExc_TypeError, op, "expected an array, got " + describe(object));
        return nullptr;
    }
    auto* array = reinterpret_cast<PyArrayObject*>(object);
    DType dtype;
    if (!dtype_of(array, dtype) || !PyArray_ISALIGNED(array) || PyArray_ISBYTESWAPPED(array) ||
        PyArray_NDIM(array) > MAX_DIMS) {
        raise_error(
            PyExc_RuntimeError, op,
            "expected an aligned array in native byte order, of a dtype nabi has and at most 16 dimensions, got " +
                describe(object));
        return nullptr;
    }
    return array;
}

PyArrayObject* copy_with_strides(PyArrayObject* array, const int64_t* strides) {
    DType dtype = DType::u8;
    dtype_of(array, dtype);
    Operands from;
    from.count = 1;
    from.ndim = PyArray_NDIM(array);
    from.array[0] = array;
    for (int d = 0; d < from.ndim; d++) {
        from.shape[d] = PyArray_DIM(array, d);
        from.strides[0][d] = PyArray_STRIDE(array, d) / PyArray_ITEMSIZE(array);
    }
    int64_t c_order[MAX_DIMS];
    if (!strides) {
        c_strides(from.ndim, from.shape, c_order);
        strides = c_order;
    }
    PyArrayObject* copy = new_array(dtype, from.ndim, from.shape, strides);
    if (!copy || PyArray_SIZE(copy) == 0) return copy;
    Operands to = from;
    std::copy(strides, strides + from.ndim, to.strides[0]);
    int order[MAX_DIMS];
    memory_order(to, order);
    Elementwise e;
    e.operands = 2;
    e.dtype = dtype;
    e.size = PyArray_SIZE(copy);
    merge(from, strides, order, e);
    e.data[0] = PyArray_DATA(copy);
    e.data[1] = PyArray_DATA(array);
    run_elementwise(active->copy, e);
    return copy;
}

void init_copies(PyObject* module) { PyModule_AddFunctions(module, METHODS); }

}  // namespace nabi::bindings
