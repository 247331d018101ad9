// SPDX-License-Identifier: Apache-2.0
#include "bindings/reduce.h"

#include <chrono>

#include "bindings/active_set.h"
#include "bindings/call.h"
#include "bindings/copies.h"
#include "runtime/parallel.h"

namespace nabi::bindings {

namespace {

// A bit per dimension; false with an exception.
bool take_dims(const char* op, PyObject* object, int ndim, uint32_t& dims) {
    dims = (1u << ndim) - 1;
    if (object == Py_None) return true;
    dims = 0;
    bool good = PyTuple_Check(object);
    for (Py_ssize_t i = 0; good && i < PyTuple_GET_SIZE(object); i++) {
        const long long dim = PyLong_AsLongLong(PyTuple_GET_ITEM(object, i));
        if (dim == -1 && PyErr_Occurred()) PyErr_Clear();
        good = dim >= 0 && dim < ndim && !(dims >> dim & 1);
        if (good) dims |= 1u << dim;
    }
    if (!good) {
        raise_error(PyExc_RuntimeError, op,
                    "expected dims to be a tuple of different ints from 0 to " + std::to_string(ndim - 1) + ", got " +
                        describe(object));
    }
    return good;
}

// Appends a dimension, or makes the one before it longer where they lie behind each other; `first` is where its kind begins.
void append(Reduction& r, int first, int& end, int64_t size, int64_t stride) {
    if (size == 1) return;
    if (end > first && r.strides[end - 1] == size * stride) {
        r.shape[end - 1] *= size;
        r.strides[end - 1] = stride;
        return;
    }
    r.shape[end] = size;
    r.strides[end++] = stride;
}

// At least one dimension of each kind, so that the kernel need not ask.
void fill(PyArrayObject* array, uint32_t dims, Reduction& r) {
    const int ndim = PyArray_NDIM(array);
    int end = 0;
    r.outputs = r.count = 1;
    for (const bool reduced : {false, true}) {
        const int first = end;
        for (int d = 0; d < ndim; d++) {
            if ((dims >> d & 1) != reduced) continue;
            (reduced ? r.count : r.outputs) *= PyArray_DIM(array, d);
            append(r, first, end, PyArray_DIM(array, d), PyArray_STRIDE(array, d) / PyArray_ITEMSIZE(array));
        }
        if (end == first) {
            r.shape[end] = 1;
            r.strides[end++] = 0;
        }
        (reduced ? r.reduced : r.kept) = end - first;
    }
    r.input = PyArray_DATA(array);
}

// True where what is innermost in memory is reduced, but not innermost among what is reduced: there the fixed order jumps
// through memory, and a copy in tiles is cheaper.
bool lies_across(const Reduction& r) {
    for (int d = 0; d < r.kept + r.reduced - 1; d++) {
        if (r.strides[d] == 1 && r.shape[d] > 1) return d >= r.kept;
    }
    return false;
}

struct Owned {
    PyArrayObject* array = nullptr;
    ~Owned() { Py_XDECREF(array); }
};

}  // namespace

PyObject* call_reduce(Status (*kernel)(const Reduction&, double) noexcept, const char* op, PyObject* const* arguments,
                      Py_ssize_t count) {
    if (count != 4) return raise_error(PyExc_TypeError, op, "expected 4 arguments, got " + std::to_string(count));
    PyArrayObject* array = checked_array(op, arguments[0]);
    if (!array) return nullptr;
    Reduction r;
    dtype_of(array, r.dtype);
    if (r.dtype != DType::f32 && r.dtype != DType::f64) {
        return raise_error(PyExc_RuntimeError, op, "expected float32 or float64, got " + describe(arguments[0]));
    }
    const int ndim = PyArray_NDIM(array);
    uint32_t dims;
    if (!take_dims(op, arguments[1], ndim, dims)) return nullptr;
    const int keep = PyObject_IsTrue(arguments[2]);
    if (keep < 0) return nullptr;
    const double divisor = PyFloat_AsDouble(arguments[3]);
    if (divisor == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return raise_error(PyExc_TypeError, op, "expected a number, got " + describe(arguments[3]));
    }
    fill(array, dims, r);
    Owned copy;
    if (r.outputs > 0 && r.count > 0 && lies_across(r)) {
        copy.array = copy_with_strides(array, nullptr);
        if (!copy.array) return nullptr;
        fill(copy.array, dims, r);
    }
    int64_t shape[MAX_DIMS];
    int left = 0;
    for (int d = 0; d < ndim; d++) {
        const bool reduced = dims >> d & 1;
        if (!reduced || keep) shape[left++] = reduced ? 1 : PyArray_DIM(array, d);
    }
    PyArrayObject* out = new_array(r.dtype, left, shape);
    if (!out) return nullptr;
    r.output = PyArray_DATA(out);
    Status status{};
    auto start = trace ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    if (PyArray_SIZE(array) > 40000) {
        PyThreadState* state = PyEval_SaveThread();
        status = kernel(r, divisor);
        PyEval_RestoreThread(state);
    } else if (r.outputs > 0) {
        status = kernel(r, divisor);
    }
    if (trace) {
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        std::fprintf(stderr, "nabi %s %s -> %s %s %d threads %.1f us\n", op, shape_text(array).c_str(),
                     shape_text(out).c_str(), active_set_name(), get_num_threads(), seconds * 1e6);
    }
    if (status.code == 0) return reinterpret_cast<PyObject*>(out);
    Py_DECREF(out);
    return raise_no_memory(op);
}

}  // namespace nabi::bindings
