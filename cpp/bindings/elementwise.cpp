// SPDX-License-Identifier: Apache-2.0
#include "bindings/elementwise.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "bindings/active_set.h"
#include "bindings/call.h"
#include "runtime/parallel.h"

namespace nabi::bindings {

namespace {

struct Operands {
    int inputs;
    PyArrayObject* array[MAX_OPERANDS] = {};  // 1..inputs; null for a number
    PyArrayObject* converted[MAX_OPERANDS] = {};
    double number[MAX_OPERANDS];
    float number32[MAX_OPERANDS];
    int ndim = 0;
    int64_t shape[MAX_DIMS];
    int64_t strides[MAX_OPERANDS][MAX_DIMS];
    ~Operands() {
        for (PyArrayObject* array_ : converted) Py_XDECREF(array_);
    }
};

bool fail(const char* op, const char* expected, PyObject* got) {
    raise_error(PyExc_RuntimeError, op, std::string("expected ") + expected + ", got " + describe(got));
    return false;
}

bool take_operand(const char* op, Operands& o, int i, PyObject* object, DType& dtype, bool& has_dtype) {
    if (!PyArray_Check(object)) {
        o.number[i] = PyFloat_AsDouble(object);
        if (o.number[i] == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            raise_error(PyExc_TypeError, op, "expected arrays or numbers, got " + describe(object));
            return false;
        }
        o.number32[i] = static_cast<float>(o.number[i]);
        return true;
    }
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
        return fail(op, (std::string("arrays of one dtype, ") + dtype_name(dtype)).c_str(), object);
    }
    o.array[i] = array;
    return true;
}

bool broadcast(const char* op, Operands& o) {
    for (int i = 1; i <= o.inputs; i++) {
        if (o.array[i]) o.ndim = std::max(o.ndim, PyArray_NDIM(o.array[i]));
    }
    std::fill(o.shape, o.shape + o.ndim, 1);
    for (int i = 1; i <= o.inputs; i++) {
        if (!o.array[i]) continue;
        int offset = o.ndim - PyArray_NDIM(o.array[i]);
        for (int d = offset; d < o.ndim; d++) {
            int64_t size = PyArray_DIM(o.array[i], d - offset);
            if (size == 1 || size == o.shape[d]) continue;
            if (o.shape[d] != 1) {
                std::string message = "expected shapes that broadcast, got ";
                for (int j = 1; j <= o.inputs; j++) {
                    if (o.array[j]) message += (j > 1 ? " and " : "") + shape_text(o.array[j]);
                }
                raise_error(PyExc_RuntimeError, op, message);
                return false;
            }
            o.shape[d] = size;
        }
    }
    for (int i = 1; i <= o.inputs; i++) {
        for (int d = 0; d < o.ndim; d++) o.strides[i][d] = 0;
        if (!o.array[i]) continue;
        int offset = o.ndim - PyArray_NDIM(o.array[i]);
        for (int d = offset; d < o.ndim; d++) {
            bool repeats = PyArray_DIM(o.array[i], d - offset) == 1 && o.shape[d] != 1;
            o.strides[i][d] = repeats ? 0 : PyArray_STRIDE(o.array[i], d - offset) / PyArray_ITEMSIZE(o.array[i]);
        }
    }
    return true;
}

// Positive: dimension a must lie outside b; negative: inside; 0: the operands don't say.
int compare_dims(const Operands& o, int a, int b) {
    for (int i = 1; i <= o.inputs; i++) {
        int64_t step_a = std::abs(o.strides[i][a]), step_b = std::abs(o.strides[i][b]);
        if (step_a == 0 || step_b == 0) continue;
        if (step_a != step_b) return step_a < step_b ? -1 : 1;
        if (o.shape[a] > o.shape[b]) return 1;
    }
    return 0;
}

// order[0] is the innermost dimension.
void memory_order(const Operands& o, int* order) {
    for (int i = 0; i < o.ndim; i++) order[i] = o.ndim - 1 - i;
    for (int i = 1; i < o.ndim; i++) {
        int moving = i;
        for (int j = i - 1; j >= 0; j--) {
            int comparison = compare_dims(o, order[j], order[moving]);
            if (comparison > 0) {
                std::swap(order[j], order[moving]);
                moving = j;
            } else if (comparison < 0) {
                break;
            }
        }
    }
}

// Where every array has the same dense layout the output takes it, ambiguous size-1 dimensions included.
bool one_layout(const Operands& o) {
    PyArrayObject* first = nullptr;
    for (int i = 1; i <= o.inputs; i++) {
        PyArrayObject* array = o.array[i];
        if (!array) continue;
        if (PyArray_NDIM(array) != o.ndim) return false;
        if (!first) {
            first = array;
            if (!is_dense(array)) return false;
        }
        for (int d = 0; d < o.ndim; d++) {
            if (PyArray_DIM(array, d) != o.shape[d]) return false;
            if (o.shape[d] != 1 && PyArray_STRIDE(array, d) != PyArray_STRIDE(first, d)) return false;
        }
    }
    return true;
}

// Dimensions from the outermost in memory order, neighbours merged wherever every operand allows it.
void merge(const Operands& o, const int* order, Elementwise& e) {
    e.ndim = 0;
    for (int k = o.ndim - 1; k >= 0; k--) {
        int d = order[k];
        if (o.shape[d] == 1) continue;
        bool joins = e.ndim > 0;
        for (int i = 0; joins && i <= o.inputs; i++) {
            joins = e.strides[i][e.ndim - 1] == o.strides[i][d] * o.shape[d];
        }
        if (joins) {
            e.shape[e.ndim - 1] *= o.shape[d];
        } else {
            e.shape[e.ndim++] = o.shape[d];
        }
        for (int i = 0; i <= o.inputs; i++) e.strides[i][e.ndim - 1] = o.strides[i][d];
    }
    if (e.ndim == 0) {
        e.ndim = 1;
        e.shape[0] = 1;
        for (int i = 0; i <= o.inputs; i++) e.strides[i][0] = 1;
    }
}

bool check_destination(const char* op, Operands& o, PyArrayObject* out, DType dtype) {
    auto* object = reinterpret_cast<PyObject*>(out);
    DType own;
    if (!dtype_of(out, own) || own != dtype) return fail(op, "an output of the inputs' dtype", object);
    if (!PyArray_ISBEHAVED(out)) return fail(op, "a writable, aligned output in native byte order", object);
    if (PyArray_NDIM(out) != o.ndim ||
        !std::equal(o.shape, o.shape + o.ndim, reinterpret_cast<const int64_t*>(PyArray_SHAPE(out)))) {
        return fail(op, ("an output of shape " + shape_text(o.ndim, o.shape)).c_str(), object);
    }
    for (int d = 0; d < o.ndim; d++) {
        o.strides[0][d] = PyArray_STRIDE(out, d) / PyArray_ITEMSIZE(out);
        if (o.strides[0][d] == 0 && o.shape[d] > 1) return fail(op, "an output without repeated elements", object);
    }
    for (int i = 1; i <= o.inputs; i++) {
        // An input that is the output itself is fine; one that overlaps it otherwise is read through a copy.
        if (!o.array[i]) continue;
        bool same = PyArray_DATA(o.array[i]) == PyArray_DATA(out);
        for (int d = 0; same && d < o.ndim; d++) same = o.shape[d] == 1 || o.strides[i][d] == o.strides[0][d];
        if (same) continue;
        const char *low[2], *high[2];
        for (int k = 0; k < 2; k++) {
            PyArrayObject* array = k ? out : o.array[i];
            low[k] = high[k] = PyArray_BYTES(array);
            for (int d = 0; d < PyArray_NDIM(array); d++) {
                npy_intp reach = (PyArray_DIM(array, d) - 1) * PyArray_STRIDE(array, d);
                (reach < 0 ? low[k] : high[k]) += reach;
            }
            high[k] += PyArray_ITEMSIZE(array);
        }
        if (PyArray_SIZE(out) == 0 || high[0] <= low[1] || high[1] <= low[0]) continue;
        o.converted[i] = copy_with_strides(o.array[i], nullptr);
        if (!o.converted[i]) return false;
        o.array[i] = o.converted[i];
    }
    return true;
}

}  // namespace

PyObject* call_elementwise(Status (*kernel)(const Elementwise&) noexcept, const char* op, int inputs,
                           PyObject* const* arguments, Py_ssize_t count) {
    if (count != inputs && count != inputs + 1) {
        return raise_error(PyExc_TypeError, op, "expected " + std::to_string(inputs) + " arguments, got " + std::to_string(count));
    }
    Operands o;
    o.inputs = inputs;
    DType dtype = DType::f32;
    bool has_dtype = false;
    for (int i = 1; i <= inputs; i++) {
        if (!take_operand(op, o, i, arguments[i - 1], dtype, has_dtype)) return nullptr;
    }
    if (!has_dtype) return raise_error(PyExc_TypeError, op, "expected at least one array, got numbers");
    Elementwise e;
    e.operands = inputs + 1;
    e.dtype = dtype;
    PyArrayObject* out = nullptr;
    bool given = count == inputs + 1;
    // Same shape, C order, numbers allowed: nothing to work out.
    PyArrayObject* first = o.array[1] ? o.array[1] : o.array[2];
    bool simple = !given && PyArray_IS_C_CONTIGUOUS(first);
    for (int i = 1; simple && i <= inputs; i++) {
        simple = !o.array[i] || (PyArray_IS_C_CONTIGUOUS(o.array[i]) && PyArray_NDIM(o.array[i]) == PyArray_NDIM(first) &&
                                 std::equal(PyArray_SHAPE(first), PyArray_SHAPE(first) + PyArray_NDIM(first), PyArray_SHAPE(o.array[i])));
    }
    if (simple) {
        e.ndim = 1;
        e.shape[0] = PyArray_SIZE(first);
        e.strides[0][0] = 1;
        for (int i = 1; i <= inputs; i++) e.strides[i][0] = o.array[i] ? 1 : 0;
        out = new_array(dtype, PyArray_NDIM(first), reinterpret_cast<const int64_t*>(PyArray_SHAPE(first)));
    } else {
        if (!broadcast(op, o)) return nullptr;
        int order[MAX_DIMS];
        if (given) {
            if (!PyArray_Check(arguments[inputs])) {
                return raise_error(PyExc_TypeError, op, "expected an output array, got " + describe(arguments[inputs]));
            }
            out = reinterpret_cast<PyArrayObject*>(arguments[inputs]);
            if (!check_destination(op, o, out, dtype)) return nullptr;
            for (int i = 1; i <= inputs; i++) {
                if (o.converted[i] && !broadcast(op, o)) return nullptr;
            }
            Py_INCREF(out);
            // The output leads: its memory order is walked.
            std::swap(o.strides[0], o.strides[1]);
            memory_order(o, order);
            std::swap(o.strides[0], o.strides[1]);
        } else {
            if (one_layout(o)) {
                for (int d = 0; d < o.ndim; d++) o.strides[0][d] = PyArray_STRIDE(first, d) / PyArray_ITEMSIZE(first);
                memory_order(o, order);
            } else {
                memory_order(o, order);
                int64_t step = 1;
                for (int k = 0; k < o.ndim; k++) {
                    o.strides[0][order[k]] = step;
                    step *= std::max<int64_t>(o.shape[order[k]], 1);
                }
            }
            out = new_array(dtype, o.ndim, o.shape, o.strides[0]);
        }
        if (out) merge(o, order, e);
    }
    if (!out) return nullptr;
    e.size = PyArray_SIZE(out);
    e.data[0] = PyArray_DATA(out);
    for (int i = 1; i <= inputs; i++) {
        if (o.array[i]) {
            e.data[i] = PyArray_DATA(o.array[i]);
        } else {
            e.data[i] = dtype == DType::f32 ? static_cast<void*>(&o.number32[i]) : static_cast<void*>(&o.number[i]);
        }
    }
    Status status{};
    auto start = trace ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    if (e.size > 40000) {
        PyThreadState* state = PyEval_SaveThread();
        status = kernel(e);
        PyEval_RestoreThread(state);
    } else if (e.size > 0) {
        status = kernel(e);
    }
    if (trace) {
        double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        std::fprintf(stderr, "nabi %s -> %s %s %d threads %.1f us\n", op, shape_text(out).c_str(), active_set_name(),
                     get_num_threads(), seconds * 1e6);
    }
    if (status.code != 0) {
        Py_DECREF(out);
        if (status.code == 2) return PyErr_NoMemory();
        return raise_error(PyExc_RuntimeError, op, std::string("expected float32 or float64, got ") + dtype_name(dtype));
    }
    return reinterpret_cast<PyObject*>(out);
}

}  // namespace nabi::bindings
