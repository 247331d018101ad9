// SPDX-License-Identifier: Apache-2.0
// What follows the kernel: its outputs for Python, its error, its line of the trace.
#include <cstdio>
#include <cstring>

#include "bindings/active_set.h"
#include "bindings/call.h"
#include "runtime/parallel.h"

namespace nabi::bindings {

PyObject* Call::result() {
    if (rule_.outputs == 0) Py_RETURN_NONE;
    size_t first = rule_.arrays.size() - static_cast<size_t>(rule_.outputs);
    if (rule_.outputs == 1) {
        slots_[first].owned = false;
        return reinterpret_cast<PyObject*>(slots_[first].array);
    }
    PyObject* tuple = PyTuple_New(rule_.outputs);
    if (!tuple) return nullptr;
    for (int i = 0; i < rule_.outputs; i++) {
        Slot& slot = slots_[first + static_cast<size_t>(i)];
        PyObject* item = reinterpret_cast<PyObject*>(slot.array);
        if (!item) {
            item = Py_None;
            Py_INCREF(item);
        }
        slot.owned = false;
        PyTuple_SET_ITEM(tuple, i, item);
    }
    return tuple;
}

PyObject* Call::failed(const Status& status) {
    switch (status.code) {
        case 1:
            return raise_error(PyExc_IndexError, op_,
                               "expected indices from 0 to " + std::to_string(status.limit - 1) + ", got " +
                                   std::to_string(status.value) + " at position " + std::to_string(status.position));
        case 2:
            return raise_no_memory(op_);
        case 4: {
            double value;
            std::memcpy(&value, &status.value, sizeof(value));
            return raise_error(PyExc_RuntimeError, op_,
                               "expected values from 0 to 1, got " + std::to_string(value) + " at position " +
                                   std::to_string(status.position));
        }
        default:
            return raise_error(PyExc_RuntimeError, op_, "this dtype has no kernel");
    }
}

void Call::print_trace(double seconds) const {
    std::string text = std::string("nabi ") + op_;
    const int inputs = static_cast<int>(rule_.arrays.size()) - rule_.outputs;
    for (int i = 0; i < array_; i++) {
        if (i == inputs) text += " ->";
        if (slots_[i].array) text += " " + shape_text(slots_[i].array);
    }
    if (list_items_) text += " " + std::to_string(list_items_) + " elements in lists";
    const int threads = get_num_threads();
    std::fprintf(stderr, "%s %s %d thread%s %.1f us\n", text.c_str(), active_set_name(), threads,
                 threads > 1 ? "s" : "", seconds * 1e6);
}

}  // namespace nabi::bindings
