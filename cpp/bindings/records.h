// SPDX-License-Identifier: Apache-2.0
// What a Tensor and a Node carry, as Python objects of the extension: a head, then fields that are Python objects, all
// seen by the garbage collector. graph.cpp makes them, Python reads them (tensor.py, autograd/graph.py).
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace nabi::bindings {

struct StorageObject {
    PyObject head;
    Py_ssize_t version;
};

struct TensorObject {
    PyObject head;
    PyObject *array, *dtype, *requires_grad, *grad, *node, *index, *storage, *base, *view, *base_node, *hooks,
        *post_hooks, *retains, *inference;
};

struct NodeObject {
    PyObject head;
    PyObject *edges, *saved, *versions, *shape, *dtype, *context, *sequence, *hooks, *retained, *multiple;
};

// The object fields of a record are those between its head and its end.
template <class Object>
PyObject** first_field(PyObject* self) {
    return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) + sizeof(PyObject));
}
template <class Object>
constexpr Py_ssize_t field_count() {
    return static_cast<Py_ssize_t>((sizeof(Object) - sizeof(PyObject)) / sizeof(PyObject*));
}

template <class Object>
int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    for (Py_ssize_t i = 0; i < field_count<Object>(); i++) Py_VISIT(first_field<Object>(self)[i]);
    return 0;
}
template <class Object>
int clear(PyObject* self) {
    for (Py_ssize_t i = 0; i < field_count<Object>(); i++) Py_CLEAR(first_field<Object>(self)[i]);
    return 0;
}
template <class Object>
void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear<Object>(self);
    type->tp_free(self);
    Py_DECREF(type);
}

template <class Object>
PyObject* allocate(PyTypeObject* type) {
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    for (Py_ssize_t i = 0; i < field_count<Object>(); i++) {
        Py_INCREF(Py_None);
        first_field<Object>(self)[i] = Py_None;
    }
    return self;
}

inline void set(PyObject*& field, PyObject* value) {
    Py_INCREF(value);
    PyObject* old = field;
    field = value;
    Py_XDECREF(old);
}
inline void steal(PyObject*& field, PyObject* value) {
    PyObject* old = field;
    field = value;
    Py_XDECREF(old);
}

}  // namespace nabi::bindings
