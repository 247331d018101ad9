// SPDX-License-Identifier: Apache-2.0
#include "bindings/generator.h"

#include <cstring>
#include <mutex>
#include <new>
#include <random>

#include "bindings/arrays.h"
#include "runtime/fork.h"

namespace nabi::bindings {

namespace {

// What PyTorch seeds a Generator with that was given no seed.
constexpr uint64_t DEFAULT_SEED = 67280421310721;

struct GeneratorObject {
    PyObject_HEAD Mt19937 stream;
    std::mutex lock;
    GeneratorObject* before;
    GeneratorObject* after;
};

PyTypeObject* generator_type = nullptr;

// All generators, so that no stream is in the middle of a draw, and none locked for ever, in a child that was forked.
std::mutex list_lock;
GeneratorObject* first = nullptr;

void lock_all() {
    list_lock.lock();
    for (GeneratorObject* each = first; each; each = each->after) each->lock.lock();
}

void unlock_all() {
    for (GeneratorObject* each = first; each; each = each->after) each->lock.unlock();
    list_lock.unlock();
}

GeneratorObject* cast(PyObject* self) { return reinterpret_cast<GeneratorObject*>(self); }

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    GeneratorObject* generator = cast(self);
    new (&generator->lock) std::mutex();
    mt_seed(generator->stream, DEFAULT_SEED);
    std::lock_guard<std::mutex> guard(list_lock);
    generator->before = nullptr;
    generator->after = first;
    if (first) first->before = generator;
    first = generator;
    return self;
}

void destroy(PyObject* self) {
    GeneratorObject* generator = cast(self);
    {
        std::lock_guard<std::mutex> guard(list_lock);
        if (generator->after) generator->after->before = generator->before;
        (generator->before ? generator->before->after : first) = generator->after;
    }
    generator->lock.~mutex();
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

// From -2^63 to 2^64 - 1; negative seeds count from 2^64 down.
PyObject* manual_seed(PyObject* self, PyObject* seed) {
    unsigned long long bits = PyLong_AsUnsignedLongLong(seed);
    if (bits == ~0ull && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return nullptr;
        PyErr_Clear();
        long long negative = PyLong_AsLongLong(seed);
        if (negative >= 0 || PyErr_Occurred()) {
            PyErr_Clear();
            return raise_error(PyExc_ValueError, "manual_seed",
                               "expected a seed from -2**63 to 2**64 - 1, got one beyond");
        }
        bits = static_cast<unsigned long long>(negative);
    }
    std::lock_guard<std::mutex> guard(cast(self)->lock);
    mt_seed(cast(self)->stream, bits);
    Py_INCREF(self);
    return self;
}

PyObject* initial_seed(PyObject* self, PyObject*) { return PyLong_FromUnsignedLongLong(cast(self)->stream.seed); }

PyObject* seed(PyObject* self, PyObject*) {
    uint64_t bits;
    try {
        std::random_device device;
        bits = static_cast<uint64_t>(device()) << 32 | device();
    } catch (const std::exception& error) {
        return raise_error(PyExc_RuntimeError, "seed",
                           std::string("expected the system's random numbers, got ") + error.what());
    }
    std::lock_guard<std::mutex> guard(cast(self)->lock);
    mt_seed(cast(self)->stream, bits);
    return PyLong_FromUnsignedLongLong(bits);
}

PyObject* get_state(PyObject* self, PyObject*) {
    const int64_t shape[] = {static_cast<int64_t>(MT_STATE_BYTES)};
    PyArrayObject* array = new_array(DType::u8, 1, shape);
    if (!array) return nullptr;
    std::lock_guard<std::mutex> guard(cast(self)->lock);
    mt_get_state(cast(self)->stream, static_cast<unsigned char*>(PyArray_DATA(array)));
    return reinterpret_cast<PyObject*>(array);
}

PyObject* set_state(PyObject* self, PyObject* bytes) {
    Py_buffer view;
    if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0) return nullptr;
    const Py_ssize_t size = view.len;
    bool valid = false;
    if (size == static_cast<Py_ssize_t>(MT_STATE_BYTES)) {
        std::lock_guard<std::mutex> guard(cast(self)->lock);
        valid = mt_set_state(cast(self)->stream, static_cast<const unsigned char*>(view.buf));
    }
    PyBuffer_Release(&view);
    if (valid) Py_RETURN_NONE;
    std::string got = size == static_cast<Py_ssize_t>(MT_STATE_BYTES) ? "bytes that are no state of mt19937"
                                                                      : std::to_string(size) + " bytes";
    return raise_error(PyExc_RuntimeError, "set_state",
                       "expected the 5056 bytes of a CPU generator's state, got " + got);
}

PyObject* random32(PyObject* self, PyObject*) {
    std::lock_guard<std::mutex> guard(cast(self)->lock);
    return PyLong_FromUnsignedLong(mt_word(cast(self)->stream));
}

PyObject* random64(PyObject* self, PyObject*) {
    std::lock_guard<std::mutex> guard(cast(self)->lock);
    return PyLong_FromUnsignedLongLong(mt_word64(cast(self)->stream));
}

PyMethodDef METHODS[] = {{"manual_seed", manual_seed, METH_O, "start the stream at a seed; returns the generator"},
                         {"initial_seed", initial_seed, METH_NOARGS, "the seed the stream started at"},
                         {"seed", seed, METH_NOARGS, "start the stream at a random seed and return it"},
                         {"get_state", get_state, METH_NOARGS, "the stream's position, 5056 bytes"},
                         {"set_state", set_state, METH_O, "continue at a position from get_state"},
                         {"random32", random32, METH_NOARGS, "one 32-bit word"},
                         {"random64", random64, METH_NOARGS, "two 32-bit words, the first one high"},
                         {nullptr, nullptr, 0, nullptr}};

template <class F>
void* as_slot(F function) {
    return reinterpret_cast<void*>(function);
}

}  // namespace

void init_generator(PyObject* module) {
    PyType_Slot slots[] = {{Py_tp_new, as_slot(&create)},
                           {Py_tp_dealloc, as_slot(&destroy)},
                           {Py_tp_methods, METHODS},
                           {Py_tp_doc, const_cast<char*>("One random stream: mt19937 as PyTorch seeds and reads it.")},
                           {0, nullptr}};
    PyType_Spec spec = {"nabi._C.Generator", sizeof(GeneratorObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                        slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) return;
    generator_type = reinterpret_cast<PyTypeObject*>(type);
    Py_INCREF(type);  // ours, beside the module's
    if (PyModule_AddObject(module, "Generator", type) < 0) Py_DECREF(type);
    hold_over_fork(&lock_all, &unlock_all);
}

Mt19937* generator_state(PyObject* object) {
    if (PyObject_TypeCheck(object, generator_type)) return &cast(object)->stream;
    PyErr_Format(PyExc_TypeError, "generator: expected a Generator, got %s", Py_TYPE(object)->tp_name);
    return nullptr;
}

void generator_lock(PyObject* generator) { cast(generator)->lock.lock(); }
void generator_unlock(PyObject* generator) { cast(generator)->lock.unlock(); }

}  // namespace nabi::bindings
