// SPDX-License-Identifier: Apache-2.0
#include "bindings/storage.h"

#include <structmember.h>

#include <cstddef>

namespace nabi::bindings {

namespace {

struct StorageObject {
    PyObject_HEAD
    Py_ssize_t version;
};

PyObject* bump(PyObject* self, PyObject*) {
    reinterpret_cast<StorageObject*>(self)->version++;
    Py_RETURN_NONE;
}

PyMemberDef MEMBERS[] = {{"version", T_PYSSIZET, offsetof(StorageObject, version), 0, "in-place changes so far"},
                         {nullptr, 0, 0, 0, nullptr}};
PyMethodDef METHODS[] = {{"bump", bump, METH_NOARGS, "count one in-place change"}, {nullptr, nullptr, 0, nullptr}};
PyType_Slot SLOTS[] = {{Py_tp_members, MEMBERS},
                       {Py_tp_methods, METHODS},
                       {Py_tp_doc, const_cast<char*>("What a tensor shares with its views: a version.")},
                       {0, nullptr}};
PyType_Spec SPEC = {"nabi._C.Storage", sizeof(StorageObject), 0, Py_TPFLAGS_DEFAULT, SLOTS};

}  // namespace

void init_storage(PyObject* module) {
    PyObject* type = PyType_FromSpec(&SPEC);
    if (!type || PyModule_AddObject(module, "Storage", type) < 0) Py_XDECREF(type);
}

}  // namespace nabi::bindings
