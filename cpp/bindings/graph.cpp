// SPDX-License-Identifier: Apache-2.0
#include "bindings/graph.h"

#include <structmember.h>

#include <cstddef>

#include "bindings/arrays.h"
#include "bindings/records.h"

namespace nabi::bindings {

namespace {

PyTypeObject *tensor_base, *node_base, *storage_type;
PyTypeObject* tensor_type;  // nabi.Tensor
PyObject *slot_type, *frozen, *zero, *empty_tuple, *name_refresh, *name_saves;
constexpr int NUMPY_TYPES = 32;  // numbers of numpy's own types are smaller
PyObject *dtypes[NUMPY_TYPES], *find_dtype;
uint64_t next_sequence = 0;  // under the GIL

thread_local bool mode_enabled = true;
thread_local bool mode_inference = false;

TensorObject* new_tensor(PyTypeObject* type) {
    PyObject* self = allocate<TensorObject>(type);
    if (!self) return nullptr;
    auto* tensor = reinterpret_cast<TensorObject*>(self);
    set(tensor->requires_grad, Py_False);
    set(tensor->retains, Py_False);
    set(tensor->inference, Py_False);
    set(tensor->index, zero);
    set(tensor->view, empty_tuple);
    return tensor;
}

PyObject* tensor_new(PyTypeObject* type, PyObject*, PyObject*) { return reinterpret_cast<PyObject*>(new_tensor(type)); }
PyObject* node_new(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = allocate<NodeObject>(type);
    if (self) set(reinterpret_cast<NodeObject*>(self)->multiple, Py_False);
    return self;
}

// A view whose base has another node than when the view's own was made.
bool out_of_date(const TensorObject* tensor) {
    return tensor->base != Py_None && tensor->base_node != frozen &&
           tensor->base_node != reinterpret_cast<TensorObject*>(tensor->base)->node;
}

// Where the gradient of the tensor goes, as a new reference: its node, a Slot of it, the leaf itself, or None.
PyObject* edge_of(TensorObject* tensor) {
    if (out_of_date(tensor)) {
        PyObject* done = PyObject_CallMethodNoArgs(reinterpret_cast<PyObject*>(tensor), name_refresh);
        if (!done) return nullptr;
        Py_DECREF(done);
    }
    PyObject* edge = Py_None;
    if (tensor->node == Py_None) {
        if (tensor->requires_grad == Py_True) edge = reinterpret_cast<PyObject*>(tensor);
    } else if (reinterpret_cast<NodeObject*>(tensor->node)->multiple == Py_True) {
        return PyObject_CallFunctionObjArgs(slot_type, tensor->node, tensor->index, nullptr);
    } else {
        edge = tensor->node;
    }
    Py_INCREF(edge);
    return edge;
}

StorageObject* storage_of(TensorObject* tensor) {
    if (tensor->storage == Py_None) {
        PyObject* storage = storage_type->tp_alloc(storage_type, 0);
        if (!storage) return nullptr;
        steal(tensor->storage, storage);
    }
    return reinterpret_cast<StorageObject*>(tensor->storage);
}

PyObject* shape_tuple(PyObject* array) {
    if (!PyArray_Check(array)) {
        Py_INCREF(Py_None);
        return Py_None;
    }
    auto* a = reinterpret_cast<PyArrayObject*>(array);
    return PyArray_IntTupleFromIntp(PyArray_NDIM(a), PyArray_DIMS(a));
}

// The arrays that the kind keeps, with the storages and versions they had.
bool save(NodeObject* node, PyObject* saves, TensorObject* out, PyObject* inputs, PyObject* extra) {
    Py_ssize_t count = PyTuple_GET_SIZE(saves), more = PyTuple_GET_SIZE(extra);
    if (count == 0) {
        set(node->saved, extra);
        return true;
    }
    PyObject *saved = PyTuple_New(count + more), *versions = PyTuple_New(2 * count);
    if (!saved || !versions) {
        Py_XDECREF(saved);
        Py_XDECREF(versions);
        return false;
    }
    steal(node->saved, saved);
    steal(node->versions, versions);
    for (Py_ssize_t i = 0; i < count + more; i++) {
        if (i >= count) {
            PyObject* array = PyTuple_GET_ITEM(extra, i - count);
            Py_INCREF(array);
            PyTuple_SET_ITEM(saved, i, array);
            continue;
        }
        long position = PyLong_AsLong(PyTuple_GET_ITEM(saves, i));
        auto* tensor = position < 0 ? out : reinterpret_cast<TensorObject*>(PyTuple_GET_ITEM(inputs, position));
        if (tensor->inference == Py_True) {
            raise_error(
                PyExc_RuntimeError, "autograd",
                "Inference tensors cannot be saved for backward: expected a tensor made outside inference_mode; "
                "clone() it");
            return false;
        }
        StorageObject* storage = storage_of(tensor);
        PyObject* version = storage ? PyLong_FromSsize_t(storage->version) : nullptr;
        if (!version) return false;
        Py_INCREF(tensor->array);
        PyTuple_SET_ITEM(saved, i, tensor->array);
        Py_INCREF(storage);
        PyTuple_SET_ITEM(versions, 2 * i, reinterpret_cast<PyObject*>(storage));
        PyTuple_SET_ITEM(versions, 2 * i + 1, version);
    }
    return true;
}

TensorObject* record_tensor(PyObject* kind, PyObject* array, PyObject* dtype, PyObject* inputs, PyObject* context,
                            PyObject* extra) {
    TensorObject* out = new_tensor(tensor_type);
    if (!out) return nullptr;
    set(out->array, array);
    set(out->dtype, dtype);
    if (mode_inference) {
        set(out->inference, Py_True);
        return out;
    }
    if (!mode_enabled) return out;
    Py_ssize_t count = PyTuple_GET_SIZE(inputs);
    bool wanted = false;
    PyObject* edges = PyTuple_New(count);
    if (!edges) goto failed;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject* input = PyTuple_GET_ITEM(inputs, i);
        if (!PyObject_TypeCheck(input, tensor_base)) {
            raise_error(PyExc_TypeError, "autograd", "expected Tensors as inputs, got " + describe(input));
            goto failed;
        }
        PyObject* edge = edge_of(reinterpret_cast<TensorObject*>(input));
        if (!edge) goto failed;
        wanted = wanted || edge != Py_None;
        PyTuple_SET_ITEM(edges, i, edge);
    }
    if (!wanted) {
        Py_DECREF(edges);
        return out;
    }
    {
        auto* type = reinterpret_cast<PyTypeObject*>(kind);
        PyObject* made =
            PyType_Check(kind) && PyType_IsSubtype(type, node_base) ? node_new(type, nullptr, nullptr) : nullptr;
        if (!made) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "record: expected a Node class");
            goto failed;
        }
        steal(out->node, made);
        auto* node = reinterpret_cast<NodeObject*>(made);
        set(out->requires_grad, Py_True);
        steal(node->edges, edges);
        edges = nullptr;
        set(node->dtype, dtype);
        set(node->context, context);
        PyObject *shape = shape_tuple(array), *sequence = PyLong_FromUnsignedLongLong(next_sequence++);
        if (shape) steal(node->shape, shape);
        if (sequence) steal(node->sequence, sequence);
        PyObject* saves = PyObject_GetAttr(kind, name_saves);
        bool ok = shape && sequence && saves && save(node, saves, out, inputs, extra);
        Py_XDECREF(saves);
        if (!ok) goto failed;
    }
    return out;
failed:
    Py_XDECREF(edges);
    Py_DECREF(out);
    return nullptr;
}

PyObject* record(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count < 4 || count > 6 || !PyTuple_Check(arguments[3]) || (count == 6 && !PyTuple_Check(arguments[5]))) {
        PyErr_SetString(PyExc_TypeError, "record: expected (kind, array, dtype, inputs, context=None, extra=())");
        return nullptr;
    }
    return reinterpret_cast<PyObject*>(record_tensor(arguments[0], arguments[1], arguments[2], arguments[3],
                                                     count > 4 ? arguments[4] : Py_None,
                                                     count > 5 ? arguments[5] : empty_tuple));
}

PyObject* record_view(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != 4 || !PyObject_TypeCheck(arguments[1], tensor_base)) {
        PyErr_SetString(PyExc_TypeError, "record_view: expected (kind, source, array, context)");
        return nullptr;
    }
    auto* source = reinterpret_cast<TensorObject*>(arguments[1]);
    PyObject* inputs = PyTuple_Pack(1, arguments[1]);
    if (!inputs) return nullptr;
    TensorObject* out = record_tensor(arguments[0], arguments[2], source->dtype, inputs, arguments[3], empty_tuple);
    Py_DECREF(inputs);
    if (!out) return nullptr;
    StorageObject* storage = storage_of(source);
    PyObject* step = PyTuple_Pack(2, arguments[0], arguments[3]);
    PyObject* last = step ? PyTuple_Pack(1, step) : nullptr;
    Py_XDECREF(step);
    PyObject* steps = last;
    if (last && source->base != Py_None) {
        steps = PySequence_Concat(source->view, last);
        Py_DECREF(last);
    }
    if (!storage || !steps) {
        Py_XDECREF(steps);
        Py_DECREF(out);
        return nullptr;
    }
    set(out->storage, reinterpret_cast<PyObject*>(storage));
    set(out->inference, source->inference);
    steal(out->view, steps);
    set(out->base, source->base != Py_None ? source->base : arguments[1]);
    set(out->base_node, mode_enabled && !mode_inference ? reinterpret_cast<TensorObject*>(out->base)->node : frozen);
    return reinterpret_cast<PyObject*>(out);
}

// from_array(array, requires_grad=False)
PyObject* from_array(PyObject*, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
    if (names) {
        if (count != 1 || PyTuple_GET_SIZE(names) != 1 ||
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "requires_grad") != 0) {
            return raise_error(PyExc_TypeError, "from_array", "expected (array, requires_grad=False)");
        }
        count = 2;
    }
    if (count < 1 || count > 2 || !PyArray_Check(arguments[0])) {
        return raise_error(PyExc_TypeError, "from_array",
                           "expected a numpy array, got " + (count ? describe(arguments[0]) : std::string("nothing")));
    }
    auto* descr = PyArray_DESCR(reinterpret_cast<PyArrayObject*>(arguments[0]));
    PyObject* dtype = descr->type_num >= 0 && descr->type_num < NUMPY_TYPES ? dtypes[descr->type_num] : nullptr;
    if (dtype) {
        Py_INCREF(dtype);
    } else {
        dtype = PyObject_CallOneArg(find_dtype, reinterpret_cast<PyObject*>(descr));
        if (!dtype) return nullptr;
    }
    TensorObject* out = new_tensor(tensor_type);
    if (!out) {
        Py_DECREF(dtype);
        return nullptr;
    }
    steal(out->dtype, dtype);
    set(out->array, arguments[0]);
    if (mode_inference) set(out->inference, Py_True);
    if (count == 2) {
        int truth = PyObject_IsTrue(arguments[1]);
        if (truth < 0) {
            Py_DECREF(out);
            return nullptr;
        }
        if (truth) set(out->requires_grad, Py_True);
    }
    return reinterpret_cast<PyObject*>(out);
}

PyObject* bump(PyObject*, PyObject* object) {
    if (!PyObject_TypeCheck(object, tensor_base)) {
        PyErr_SetString(PyExc_TypeError, "bump: expected a Tensor");
        return nullptr;
    }
    StorageObject* storage = storage_of(reinterpret_cast<TensorObject*>(object));
    if (!storage) return nullptr;
    storage->version++;
    Py_RETURN_NONE;
}

// take(dict, key): (the value, now out of the dict; whether nobody else holds it and it owns its memory). Here and not in
// Python, where frames hold references of their own, each version of the interpreter others.
PyObject* take(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != 2 || !PyDict_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "take: expected (dict, key)");
        return nullptr;
    }
    PyObject* value = PyDict_GetItemWithError(arguments[0], arguments[1]);
    if (!value) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, arguments[1]);
        return nullptr;
    }
    Py_INCREF(value);
    if (PyDict_DelItem(arguments[0], arguments[1]) < 0) {
        Py_DECREF(value);
        return nullptr;
    }
    bool alone = Py_REFCNT(value) == 1 && PyArray_Check(value) &&
                 !PyArray_BASE(reinterpret_cast<PyArrayObject*>(value)) &&
                 PyArray_ISWRITEABLE(reinterpret_cast<PyArrayObject*>(value));
    PyObject* pair = PyTuple_New(2);
    if (!pair) {
        Py_DECREF(value);
        return nullptr;
    }
    PyTuple_SET_ITEM(pair, 0, value);
    PyTuple_SET_ITEM(pair, 1, PyBool_FromLong(alone));
    return pair;
}

PyObject* take_sequence(PyObject*, PyObject*) { return PyLong_FromUnsignedLongLong(next_sequence++); }

// The classes that are Python's, once at import: nabi.Tensor, {numpy type number: dtype}, dtype.from_numpy.
PyObject* register_tensor(PyObject*, PyObject* arguments) {
    PyObject *tensor, *by_number, *find;
    if (!PyArg_ParseTuple(arguments, "OO!O", &tensor, &PyDict_Type, &by_number, &find)) return nullptr;
    PyObject *number, *dtype;
    Py_ssize_t at = 0;
    while (PyDict_Next(by_number, &at, &number, &dtype)) {
        long index = PyLong_AsLong(number);
        if (index < 0 || index >= NUMPY_TYPES)
            return PyErr_Format(PyExc_ValueError, "register_tensor: type number %ld", index);
        Py_INCREF(dtype);
        dtypes[index] = dtype;
    }
    Py_INCREF(tensor);
    Py_INCREF(find);
    tensor_type = reinterpret_cast<PyTypeObject*>(tensor);
    find_dtype = find;
    Py_RETURN_NONE;
}

PyObject* register_graph(PyObject*, PyObject* arguments) {
    PyObject *slot, *mark;
    if (!PyArg_ParseTuple(arguments, "OO", &slot, &mark)) return nullptr;
    Py_INCREF(slot);
    Py_INCREF(mark);
    slot_type = slot;
    frozen = mark;
    Py_RETURN_NONE;
}

// -1 where every saved array is as it was, else the position of the first that changed.
PyObject* first_changed(PyObject* self, PyObject*) {
    PyObject* versions = reinterpret_cast<NodeObject*>(self)->versions;
    if (versions != Py_None) {
        for (Py_ssize_t i = 0; i + 1 < PyTuple_GET_SIZE(versions); i += 2) {
            auto* storage = reinterpret_cast<StorageObject*>(PyTuple_GET_ITEM(versions, i));
            if (storage->version != PyLong_AsSsize_t(PyTuple_GET_ITEM(versions, i + 1)))
                return PyLong_FromSsize_t(i / 2);
        }
    }
    return PyLong_FromLong(-1);
}

PyObject* storage_bump(PyObject* self, PyObject*) {
    reinterpret_cast<StorageObject*>(self)->version++;
    Py_RETURN_NONE;
}

struct ModeObject {
    PyObject head;
};
PyObject* mode_get(PyObject*, void* which) { return PyBool_FromLong(which ? mode_inference : mode_enabled); }
int mode_set(PyObject*, PyObject* value, void* which) {
    int truth = value ? PyObject_IsTrue(value) : -1;
    if (truth < 0) return -1;
    (which ? mode_inference : mode_enabled) = truth == 1;
    return 0;
}

#define FIELD(object, python, field) \
    { python, T_OBJECT_EX, offsetof(object, field), 0, nullptr }
PyMemberDef TENSOR_MEMBERS[] = {FIELD(TensorObject, "_array", array),
                                FIELD(TensorObject, "dtype", dtype),
                                FIELD(TensorObject, "_requires_grad", requires_grad),
                                FIELD(TensorObject, "_grad", grad),
                                FIELD(TensorObject, "_node", node),
                                FIELD(TensorObject, "_index", index),
                                FIELD(TensorObject, "_storage", storage),
                                FIELD(TensorObject, "_base", base),
                                FIELD(TensorObject, "_view", view),
                                FIELD(TensorObject, "_base_node", base_node),
                                FIELD(TensorObject, "_hooks", hooks),
                                FIELD(TensorObject, "_post_hooks", post_hooks),
                                FIELD(TensorObject, "_retains", retains),
                                FIELD(TensorObject, "_inference", inference),
                                {nullptr, 0, 0, 0, nullptr}};
PyMemberDef NODE_MEMBERS[] = {
    FIELD(NodeObject, "edges", edges),       FIELD(NodeObject, "saved", saved), FIELD(NodeObject, "versions", versions),
    FIELD(NodeObject, "shape", shape),       FIELD(NodeObject, "dtype", dtype), FIELD(NodeObject, "context", context),
    FIELD(NodeObject, "sequence", sequence), FIELD(NodeObject, "hooks", hooks), FIELD(NodeObject, "retained", retained),
    FIELD(NodeObject, "multiple", multiple), {nullptr, 0, 0, 0, nullptr}};
#undef FIELD
PyMemberDef STORAGE_MEMBERS[] = {
    {"version", T_PYSSIZET, offsetof(StorageObject, version), 0, "in-place changes so far"},
    {nullptr, 0, 0, 0, nullptr}};

PyMethodDef NODE_METHODS[] = {
    {"first_changed", first_changed, METH_NOARGS, "position of a saved array changed since, or -1"},
    {nullptr, nullptr, 0, nullptr}};
PyMethodDef STORAGE_METHODS[] = {{"bump", storage_bump, METH_NOARGS, "count one in-place change"},
                                 {nullptr, nullptr, 0, nullptr}};
PyGetSetDef MODE_FIELDS[] = {{"enabled", mode_get, mode_set, "operations are recorded", nullptr},
                             {"inference", mode_get, mode_set, "inside inference_mode", &mode_inference},
                             {nullptr, nullptr, nullptr, nullptr, nullptr}};

template <class Function>
void* slot(Function function) {
    return reinterpret_cast<void*>(function);
}

PyType_Slot TENSOR_SLOTS[] = {{Py_tp_new, slot(tensor_new)},
                              {Py_tp_members, TENSOR_MEMBERS},
                              {Py_tp_traverse, slot(traverse<TensorObject>)},
                              {Py_tp_clear, slot(clear<TensorObject>)},
                              {Py_tp_dealloc, slot(dealloc<TensorObject>)},
                              {0, nullptr}};
PyType_Slot NODE_SLOTS[] = {{Py_tp_new, slot(node_new)},
                            {Py_tp_members, NODE_MEMBERS},
                            {Py_tp_methods, NODE_METHODS},
                            {Py_tp_traverse, slot(traverse<NodeObject>)},
                            {Py_tp_clear, slot(clear<NodeObject>)},
                            {Py_tp_dealloc, slot(dealloc<NodeObject>)},
                            {0, nullptr}};
PyType_Slot STORAGE_SLOTS[] = {{Py_tp_members, STORAGE_MEMBERS}, {Py_tp_methods, STORAGE_METHODS}, {0, nullptr}};
PyType_Slot MODE_SLOTS[] = {{Py_tp_getset, MODE_FIELDS}, {0, nullptr}};

constexpr unsigned GC_BASE = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC;
PyType_Spec TENSOR_SPEC = {"nabi._C.TensorBase", sizeof(TensorObject), 0, GC_BASE, TENSOR_SLOTS};
PyType_Spec NODE_SPEC = {"nabi._C.NodeBase", sizeof(NodeObject), 0, GC_BASE, NODE_SLOTS};
PyType_Spec STORAGE_SPEC = {"nabi._C.Storage", sizeof(StorageObject), 0, Py_TPFLAGS_DEFAULT, STORAGE_SLOTS};
PyType_Spec MODE_SPEC = {"nabi._C.Mode", sizeof(ModeObject), 0, Py_TPFLAGS_DEFAULT, MODE_SLOTS};

PyMethodDef FUNCTIONS[] = {
    {"record", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&record)), METH_FASTCALL,
     "record(kind, array, dtype, inputs, context=None, extra=()): the Tensor of an operation's result"},
    {"record_view", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&record_view)), METH_FASTCALL,
     "record_view(kind, source, array, context): the Tensor of a view of source"},
    {"bump", bump, METH_O, "bump(tensor): one more in-place change"},
    {"take", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&take)), METH_FASTCALL,
     "take(dict, key): the value, taken out, and whether it is an array that nobody else sees"},
    {"next_sequence", take_sequence, METH_NOARGS, "next_sequence(): the creation number for a node made by hand"},
    {"from_array", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&from_array)),
     METH_FASTCALL | METH_KEYWORDS,
     "from_array(array, requires_grad=False): a leaf Tensor on the array itself, nothing copied; the array's dtype "
     "must be "
     "one of nabi's, native and aligned"},
    {"register_tensor", register_tensor, METH_VARARGS, "register_tensor(Tensor, dtypes by numpy's number, from_numpy)"},
    {"register_graph", register_graph, METH_VARARGS, "register_graph(Slot, frozen)"},
    {nullptr, nullptr, 0, nullptr}};

PyTypeObject* add_type(PyObject* module, PyType_Spec& spec, const char* name) {
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return nullptr;
    Py_INCREF(type);
    if (PyModule_AddObject(module, name, type) < 0) Py_CLEAR(type);
    return reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace

void init_graph(PyObject* module) {
    zero = PyLong_FromLong(0);
    empty_tuple = PyTuple_New(0);
    name_refresh = PyUnicode_InternFromString("_refresh");
    name_saves = PyUnicode_InternFromString("saves");
    tensor_base = add_type(module, TENSOR_SPEC, "TensorBase");
    node_base = add_type(module, NODE_SPEC, "NodeBase");
    storage_type = add_type(module, STORAGE_SPEC, "Storage");
    PyTypeObject* mode_type = add_type(module, MODE_SPEC, "Mode");
    if (!mode_type) return;
    PyObject* mode = mode_type->tp_alloc(mode_type, 0);
    if (mode) PyModule_AddObject(module, "mode", mode);
    PyModule_AddFunctions(module, FUNCTIONS);
}

}  // namespace nabi::bindings
