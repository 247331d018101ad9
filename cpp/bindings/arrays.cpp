// SPDX-License-Identifier: Apache-2.0
#define NABI_IMPORTS_NUMPY
#include "bindings/arrays.h"

#include "runtime/pool.h"

namespace nabi::bindings {

namespace {

PyObject* handler_capsule = nullptr;
PyObject* op_attribute = nullptr;
PyObject* out_of_memory = nullptr;

// numpy calls these for arrays that carry our handler; outputs themselves are allocated in new_array.
void* handler_malloc(void*, size_t size) { return pool_allocate(size); }
void* handler_calloc(void*, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? nullptr : pool_allocate_zeroed(bytes);
}
void* handler_realloc(void*, void* pointer, size_t size) { return pool_reallocate(pointer, 0, size); }
void handler_free(void*, void* pointer, size_t size) { pool_free(pointer, size); }

PyDataMem_Handler handler = {"nabi_pool", 1, {nullptr, handler_malloc, handler_calloc, handler_realloc, handler_free}};

constexpr struct {
    int numpy;
    const char* name;
    size_t size;
} DTYPES[] = {{NPY_FLOAT32, "float32", 4}, {NPY_FLOAT64, "float64", 8}, {NPY_INT64, "int64", 8},
              {NPY_INT32, "int32", 4},     {NPY_INT16, "int16", 2},     {NPY_INT8, "int8", 1},
              {NPY_UINT8, "uint8", 1},     {NPY_BOOL, "bool", 1}};

}  // namespace

// Without memory of its own.
PyObject* raise_no_memory(const char* op) {
    return PyErr_Format(out_of_memory, "%s: expected room for the kernel's own data, got none", op);
}

PyObject* raise_error(PyObject* type, const char* op, const std::string& message) {
    PyObject* exception = PyObject_CallFunction(type, "s", (std::string(op) + ": " + message).c_str());
    if (!exception) return nullptr;
    PyObject* name = PyUnicode_FromString(op);
    if (!name || PyObject_SetAttr(exception, op_attribute, name) < 0) PyErr_Clear();
    Py_XDECREF(name);
    PyErr_SetObject(type, exception);
    Py_DECREF(exception);
    return nullptr;
}

bool dtype_of(PyArrayObject* array, DType& dtype) {
    switch (PyArray_TYPE(array)) {
        case NPY_FLOAT32:
            dtype = DType::f32;
            return true;
        case NPY_FLOAT64:
            dtype = DType::f64;
            return true;
        case NPY_INT32:
            dtype = DType::i32;
            return true;
        case NPY_INT16:
            dtype = DType::i16;
            return true;
        case NPY_INT8:
            dtype = DType::i8;
            return true;
        case NPY_UINT8:
            dtype = DType::u8;
            return true;
        case NPY_BOOL:
            dtype = DType::b8;
            return true;
        case NPY_LONG:
        case NPY_LONGLONG:
            dtype = DType::i64;
            return PyArray_ITEMSIZE(array) == 8;
        default:
            return false;
    }
}

const char* dtype_name(DType dtype) { return DTYPES[static_cast<int>(dtype)].name; }
int numpy_type(DType dtype) { return DTYPES[static_cast<int>(dtype)].numpy; }
size_t item_size(DType dtype) { return DTYPES[static_cast<int>(dtype)].size; }

std::string shape_text(int ndim, const int64_t* shape) {
    std::string text = "(";
    for (int d = 0; d < ndim; d++) text += (d ? ", " : "") + std::to_string(shape[d]);
    return text + (ndim == 1 ? ",)" : ")");
}

std::string shape_text(PyArrayObject* array) {
    return shape_text(PyArray_NDIM(array), reinterpret_cast<const int64_t*>(PyArray_SHAPE(array)));
}

std::string describe(PyObject* object) {
    if (!PyArray_Check(object)) return Py_TYPE(object)->tp_name;
    auto* array = reinterpret_cast<PyArrayObject*>(object);
    DType dtype;
    return "shape " + shape_text(array) + (dtype_of(array, dtype) ? std::string(" ") + dtype_name(dtype) : "");
}

PyArrayObject* new_array(DType dtype, int ndim, const int64_t* shape, const int64_t* strides) {
    const auto size = static_cast<npy_intp>(item_size(dtype));
    npy_intp bytes = size, step = size, steps[MAX_DIMS];
    bool fits = true;
    for (int d = ndim - 1; d >= 0; d--) {
        if (!strides) steps[d] = step;
        if (shape[d] > 1) fits = !__builtin_mul_overflow(step, static_cast<npy_intp>(shape[d]), &step) && fits;
        if (shape[d] == 0) bytes = 0;
    }
    if (bytes) bytes = step;
    if (strides && fits) {
        for (int d = 0; d < ndim; d++) steps[d] = strides[d] * size;
    }
    // Without elements too: numpy would set all strides to 0 in memory of its own.
    void* data = fits ? pool_allocate(static_cast<size_t>(bytes)) : nullptr;
    if (!data) {
        raise_error(out_of_memory, "memory",
                    "expected room for shape " + shape_text(ndim, shape) + " " + dtype_name(dtype) + ", got none");
        return nullptr;
    }
    auto* dims = reinterpret_cast<npy_intp*>(const_cast<int64_t*>(shape));
    auto* array =
        reinterpret_cast<PyArrayObject*>(PyArray_NewFromDescr(&PyArray_Type, PyArray_DescrFromType(numpy_type(dtype)),
                                                              ndim, dims, steps, data, NPY_ARRAY_WRITEABLE, nullptr));
    if (!array) {
        pool_free(data, static_cast<size_t>(bytes));
    } else {
        // The array owns pool memory: on its death numpy hands data and size to our handler.
        Py_INCREF(handler_capsule);
        reinterpret_cast<PyArrayObject_fields*>(array)->mem_handler = handler_capsule;
        PyArray_ENABLEFLAGS(array, NPY_ARRAY_OWNDATA);
    }
    return array;
}

bool is_dense(PyArrayObject* array) {
    if (PyArray_IS_C_CONTIGUOUS(array) || PyArray_IS_F_CONTIGUOUS(array)) return true;
    // Sizes above 1 sorted by stride: each must step over what lies inside it.
    int64_t shape[MAX_DIMS], strides[MAX_DIMS];
    int kept = 0;
    for (int d = PyArray_NDIM(array) - 1; d >= 0; d--) {
        const int64_t size = PyArray_DIM(array, d), stride = PyArray_STRIDE(array, d);
        if (size == 0) return true;
        if (size == 1) continue;
        int k = kept++;
        for (; k > 0 && strides[k - 1] > stride; k--) {
            shape[k] = shape[k - 1];
            strides[k] = strides[k - 1];
        }
        shape[k] = size;
        strides[k] = stride;
    }
    int64_t expected = PyArray_ITEMSIZE(array);
    for (int k = 0; k < kept; k++) {
        if (strides[k] != expected) return false;
        expected *= shape[k];
    }
    return true;
}

PyObject* out_of_memory_error() { return out_of_memory; }

bool initialise_arrays() {
    if (_import_array() < 0) return false;
    op_attribute = PyUnicode_InternFromString("nabi_op");
    handler_capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
    // A RuntimeError as PyTorch's, and the MemoryError that Python programs expect.
    PyObject* bases = PyTuple_Pack(2, PyExc_RuntimeError, PyExc_MemoryError);
    if (bases) {
        out_of_memory =
            PyErr_NewExceptionWithDoc("nabi.OutOfMemoryError", "There is no memory for a result.", bases, nullptr);
        Py_DECREF(bases);
    }
    return op_attribute && handler_capsule && out_of_memory;
}

}  // namespace nabi::bindings
