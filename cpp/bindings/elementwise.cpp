// SPDX-License-Identifier: Apache-2.0
#include "bindings/elementwise.h"

#include <algorithm>
#include <chrono>

#include "bindings/active_set.h"
#include "bindings/call.h"
#include "bindings/copies.h"
#include "bindings/layout.h"
#include "runtime/parallel.h"

namespace nabi::bindings {

namespace {

struct Inputs : Operands {
    PyArrayObject* converted[MAX_OPERANDS] = {};
    double number[MAX_OPERANDS];
    float number32[MAX_OPERANDS];
    ~Inputs() {
        for (PyArrayObject* copy : converted) Py_XDECREF(copy);
    }
};

const int64_t* shape_of(PyArrayObject* array) { return reinterpret_cast<const int64_t*>(PyArray_SHAPE(array)); }

bool fail(const char* op, const std::string& expected, PyObject* got) {
    raise_error(PyExc_RuntimeError, op, "expected " + expected + ", got " + describe(got));
    return false;
}

bool take_number(const char* op, Inputs& o, int i, PyObject* object) {
    o.number[i] = PyFloat_AsDouble(object);
    if (o.number[i] == -1.0 && PyErr_Occurred()) {
        const bool too_large = PyErr_ExceptionMatches(PyExc_OverflowError);
        PyErr_Clear();
        if (too_large) return fail(op, "a number that float64 holds", object);
        raise_error(PyExc_TypeError, op, "expected arrays or numbers, got " + describe(object));
        return false;
    }
    o.number32[i] = static_cast<float>(o.number[i]);
    return true;
}

bool take_operand(const char* op, Inputs& o, int i, PyObject* object, DType& dtype, bool& has_dtype) {
    if (!PyArray_Check(object)) return take_number(op, o, i, object);
    auto* array = reinterpret_cast<PyArrayObject*>(object);
    DType own;
    if (!dtype_of(array, own)) return fail(op, "a dtype nabi has", object);
    if (!PyArray_ISALIGNED(array) || PyArray_ISBYTESWAPPED(array)) {
        return fail(op, "an aligned array in native byte order", object);
    }
    if (PyArray_NDIM(array) > MAX_DIMS) return fail(op, "at most 16 dimensions", object);
    if (!has_dtype) {
        dtype = own;
        has_dtype = true;
    } else if (dtype != own) {
        return fail(op, std::string("arrays of one dtype, ") + dtype_name(dtype), object);
    }
    o.array[i] = array;
    return true;
}

// One input is repeated to its output's shape.
void stretch(Inputs& o, PyArrayObject* out) {
    const int extra = PyArray_NDIM(out) - o.ndim;
    if (extra < 0) return;
    for (int d = 0; d < o.ndim; d++) {
        if (o.shape[d] != 1 && o.shape[d] != PyArray_DIM(out, d + extra)) return;
    }
    o.ndim = PyArray_NDIM(out);
    std::copy(shape_of(out), shape_of(out) + o.ndim, o.shape);
}

// The shape the operands have together, and their strides on it; `given` is the output, if there is one already.
bool broadcast(const char* op, Inputs& o, PyObject* given) {
    for (int i = 0; i < o.count; i++) {
        if (o.array[i]) o.ndim = std::max(o.ndim, PyArray_NDIM(o.array[i]));
    }
    std::fill(o.shape, o.shape + o.ndim, 1);
    for (int i = 0; i < o.count; i++) {
        if (!o.array[i]) continue;
        const int offset = o.ndim - PyArray_NDIM(o.array[i]);
        for (int d = offset; d < o.ndim; d++) {
            const int64_t size = PyArray_DIM(o.array[i], d - offset);
            if (size == 1 || size == o.shape[d]) continue;
            if (o.shape[d] != 1) {
                std::string shapes;
                for (int j = 0; j < o.count; j++) {
                    if (o.array[j]) shapes += (shapes.empty() ? "" : " and ") + shape_text(o.array[j]);
                }
                raise_error(PyExc_RuntimeError, op, "expected shapes that broadcast, got " + shapes);
                return false;
            }
            o.shape[d] = size;
        }
    }
    if (o.count == 1 && given && PyArray_Check(given)) stretch(o, reinterpret_cast<PyArrayObject*>(given));
    for (int i = 0; i < o.count; i++) {
        const int offset = o.array[i] ? o.ndim - PyArray_NDIM(o.array[i]) : o.ndim;
        std::fill(o.strides[i], o.strides[i] + offset, 0);
        for (int d = offset; d < o.ndim; d++) {
            const bool repeats = PyArray_DIM(o.array[i], d - offset) == 1 && o.shape[d] != 1;
            o.strides[i][d] = repeats ? 0 : PyArray_STRIDE(o.array[i], d - offset) / PyArray_ITEMSIZE(o.array[i]);
        }
    }
    return true;
}

// Where all arrays lie in C order, have one shape and none has unusual strides beside size-1 dimensions, the walk is one
// row and there is nothing to work out.
bool one_row(const Inputs& o, PyArrayObject* first) {
    for (int i = 0; i < o.count; i++) {
        PyArrayObject* array = o.array[i];
        if (!array) {
            npy_intp step = PyArray_ITEMSIZE(first);
            for (int d = PyArray_NDIM(first) - 1; d >= 0; d--) {
                if (PyArray_STRIDE(first, d) != step) return false;
                step *= PyArray_DIM(first, d);
            }
        } else if (!PyArray_IS_C_CONTIGUOUS(array) || PyArray_NDIM(array) != PyArray_NDIM(first) ||
                   !std::equal(shape_of(first), shape_of(first) + PyArray_NDIM(first), shape_of(array))) {
            return false;
        }
    }
    return true;
}

// The first and one past the last byte of an array that has elements.
void extent(PyArrayObject* array, const char*& low, const char*& high) {
    low = high = PyArray_BYTES(array);
    for (int d = 0; d < PyArray_NDIM(array); d++) {
        const npy_intp reach = (PyArray_DIM(array, d) - 1) * PyArray_STRIDE(array, d);
        (reach < 0 ? low : high) += reach;
    }
    high += PyArray_ITEMSIZE(array);
}

// Fills out_strides. An input that is the output itself is fine; one that overlaps it otherwise is read through a copy.
bool check_destination(const char* op, Inputs& o, PyObject* object, DType dtype, int64_t* out_strides) {
    if (!PyArray_Check(object)) {
        raise_error(PyExc_TypeError, op, "expected an output array, got " + describe(object));
        return false;
    }
    auto* out = reinterpret_cast<PyArrayObject*>(object);
    DType own;
    if (!dtype_of(out, own) || own != dtype) {
        return fail(op, std::string("an output of dtype ") + dtype_name(dtype), object);
    }
    if (!PyArray_ISBEHAVED(out) || PyArray_ISBYTESWAPPED(out)) {
        return fail(op, "a writable, aligned output in native byte order", object);
    }
    if (PyArray_NDIM(out) != o.ndim || !std::equal(o.shape, o.shape + o.ndim, shape_of(out))) {
        return fail(op, "an output of shape " + shape_text(o.ndim, o.shape), object);
    }
    for (int d = 0; d < o.ndim; d++) {
        out_strides[d] = PyArray_STRIDE(out, d) / PyArray_ITEMSIZE(out);
        if (out_strides[d] == 0 && o.shape[d] > 1 && PyArray_SIZE(out) > 0)
            return fail(op, "an output without repeated elements", object);
    }
    if (PyArray_SIZE(out) == 0) return true;
    const char *out_low, *out_high;
    extent(out, out_low, out_high);
    bool copied = false;
    for (int i = 0; i < o.count; i++) {
        if (!o.array[i]) continue;
        bool same = PyArray_DATA(o.array[i]) == PyArray_DATA(out);
        for (int d = 0; same && d < o.ndim; d++) same = o.shape[d] == 1 || o.strides[i][d] == out_strides[d];
        const char *low, *high;
        extent(o.array[i], low, high);
        if (same || high <= out_low || out_high <= low) continue;
        o.converted[i] = copy_with_strides(o.array[i], nullptr);
        if (!o.converted[i]) return false;
        o.array[i] = o.converted[i];
        copied = true;
    }
    return !copied || broadcast(op, o, object);
}

void print_trace(const char* op, const Inputs& o, PyArrayObject* out, double seconds) {
    std::string text;
    for (int i = 0; i < o.count; i++) text += o.array[i] ? " " + shape_text(o.array[i]) : " number";
    const int threads = get_num_threads();
    std::fprintf(stderr, "nabi %s%s -> %s %s %d thread%s %.1f us\n", op, text.c_str(), shape_text(out).c_str(),
                 active_set_name(), threads, threads > 1 ? "s" : "", seconds * 1e6);
}

}  // namespace

Status run_elementwise(Status (*kernel)(const Elementwise&) noexcept, const Elementwise& e) {
    if (e.size == 0) return Status{};
    if (e.size <= 40000) return kernel(e);
    PyThreadState* state = PyEval_SaveThread();
    const Status status = kernel(e);
    PyEval_RestoreThread(state);
    return status;
}

PyObject* call_elementwise(Status (*kernel)(const Elementwise&) noexcept, const char* op, int inputs,
                           PyObject* const* arguments, Py_ssize_t count) {
    if (count != inputs && count != inputs + 1) {
        return raise_error(
            PyExc_TypeError, op,
            "expected " + std::to_string(inputs) + " arguments and an output or none, got " + std::to_string(count));
    }
    Inputs o;
    o.count = inputs;
    DType dtype = DType::f32;
    bool has_dtype = false;
    for (int i = 0; i < inputs; i++) {
        if (!take_operand(op, o, i, arguments[i], dtype, has_dtype)) return nullptr;
    }
    if (!has_dtype) return raise_error(PyExc_TypeError, op, "expected at least one array, got numbers");
    Elementwise e;
    e.operands = inputs + 1;
    e.dtype = dtype;
    PyArrayObject* out = nullptr;
    PyArrayObject* first = o.array[0] ? o.array[0] : o.array[1];
    const bool given = count == inputs + 1;
    if (!given && one_row(o, first)) {
        e.ndim = 1;
        e.shape[0] = PyArray_SIZE(first);
        e.strides[0][0] = 1;
        for (int i = 0; i < inputs; i++) e.strides[i + 1][0] = o.array[i] ? 1 : 0;
        out = new_array(dtype, PyArray_NDIM(first), shape_of(first));
    } else {
        if (!broadcast(op, o, given ? arguments[inputs] : nullptr)) return nullptr;
        int order[MAX_DIMS];
        int64_t out_strides[MAX_DIMS];
        if (given) {
            if (!check_destination(op, o, arguments[inputs], dtype, out_strides)) return nullptr;
            out = reinterpret_cast<PyArrayObject*>(arguments[inputs]);
            Py_INCREF(out);
            // It is walked in the output's memory order.
            Operands leader;
            leader.count = 1;
            leader.ndim = o.ndim;
            std::copy(o.shape, o.shape + o.ndim, leader.shape);
            std::copy(out_strides, out_strides + o.ndim, leader.strides[0]);
            memory_order(leader, order);
        } else {
            result_strides(o, out_strides, order);
            out = new_array(dtype, o.ndim, o.shape, out_strides);
        }
        if (out) merge(o, out_strides, order, e);
    }
    if (!out) return nullptr;
    e.size = PyArray_SIZE(out);
    e.data[0] = PyArray_DATA(out);
    for (int i = 0; i < inputs; i++) {
        if (o.array[i]) {
            e.data[i + 1] = PyArray_DATA(o.array[i]);
        } else {
            e.data[i + 1] = dtype == DType::f32 ? static_cast<void*>(&o.number32[i]) : static_cast<void*>(&o.number[i]);
        }
    }
    auto start = trace ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    const Status status = run_elementwise(kernel, e);
    if (trace) print_trace(op, o, out, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (status.code != 0) {
        Py_DECREF(out);
        if (status.code == 2) return raise_no_memory(op);
        return raise_error(PyExc_RuntimeError, op,
                           std::string("expected float32 or float64, got ") + dtype_name(dtype));
    }
    return reinterpret_cast<PyObject*>(out);
}

}  // namespace nabi::bindings
