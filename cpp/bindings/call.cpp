// SPDX-License-Identifier: Apache-2.0
#include "bindings/call.h"

#include <algorithm>
#include <cstring>

#include "bindings/copies.h"
#include "bindings/layout.h"

namespace nabi::bindings {

bool trace = false;

namespace {

int64_t product(int ndim, const int64_t* shape) {
    int64_t size = 1;
    for (int d = 0; d < ndim; d++) size *= shape[d];
    return size;
}

bool same_shape(PyArrayObject* a, PyArrayObject* b) {
    return PyArray_NDIM(a) == PyArray_NDIM(b) &&
           std::equal(PyArray_SHAPE(a), PyArray_SHAPE(a) + PyArray_NDIM(a), PyArray_SHAPE(b));
}

// Of the same shape, and element by element in the same order in memory.
bool same_layout(PyArrayObject* a, PyArrayObject* b) {
    if (!same_shape(a, b)) return false;
    for (int d = 0; d < PyArray_NDIM(a); d++) {
        if (PyArray_DIM(a, d) > 1 && PyArray_STRIDE(a, d) != PyArray_STRIDE(b, d)) return false;
    }
    return true;
}

// Leading dimensions as one: the stride of the merged dimension, if they lie behind each other in memory.
bool leading_stride(PyArrayObject* array, int count, int64_t& stride) {
    stride = 0;
    npy_intp wanted = 0;
    for (int d = count - 1; d >= 0; d--) {
        const npy_intp size = PyArray_DIM(array, d), step = PyArray_STRIDE(array, d);
        if (size == 1) continue;
        if (wanted == 0) {
            stride = step / PyArray_ITEMSIZE(array);
            if (step == 0) return false;
        } else if (step != wanted) {
            return false;
        }
        wanted = step * size;
    }
    return true;
}

}  // namespace

Call::~Call() {
    for (Slot& slot : slots_) {
        if (slot.owned) Py_XDECREF(slot.array);
    }
    for (auto& arrays : held_) {
        for (PyArrayObject* array : arrays) Py_DECREF(array);
    }
}

PyObject* Call::next() {
    if (position_ < count_) return arguments_[position_++];
    raise_error(PyExc_TypeError, op_,
                "expected more than " + std::to_string(count_) + " arguments, got " + std::to_string(count_));
    return nullptr;
}

bool Call::finish_arguments(Py_ssize_t count) {
    if (position_ == count) return true;
    raise_error(PyExc_TypeError, op_,
                "expected " + std::to_string(position_) + " arguments, got " + std::to_string(count));
    return false;
}

bool Call::fail_array(const ArrayRule& rule, const char* expected, PyObject* got) {
    raise_error(PyExc_RuntimeError, op_, "expected " + rule.name + " " + expected + ", got " + describe(got));
    return false;
}

bool Call::check_dtype(const ArrayRule& rule, PyArrayObject* array, DType& dtype) {
    auto* object = reinterpret_cast<PyObject*>(array);
    if (!dtype_of(array, dtype)) {
        raise_error(PyExc_TypeError, op_,
                    "expected " + rule.name + " of a dtype nabi has, got " +
                        reinterpret_cast<PyObject*>(PyArray_DESCR(array))->ob_type->tp_name);
        return false;
    }
    if (!PyArray_ISALIGNED(array) || PyArray_ISBYTESWAPPED(array)) {
        return fail_array(rule, "aligned and in native byte order", object);
    }
    if (rule.in_place && !PyArray_ISWRITEABLE(array)) return fail_array(rule, "to be writable", object);
    if (rule.any_dtype) return true;
    if (!rule.common_dtype) {
        if (dtype == rule.dtype) return true;
        return fail_array(rule, (std::string("of dtype ") + dtype_name(rule.dtype)).c_str(), object);
    }
    if (!has_dtype_) {
        if (dtype != DType::f32 && dtype != DType::f64) return fail_array(rule, "of dtype float32 or float64", object);
        has_dtype_ = true;
        dtype_ = dtype;
        return true;
    }
    if (dtype == dtype_) return true;
    return fail_array(rule, (std::string("of dtype ") + dtype_name(dtype_) + " like the arrays before it").c_str(),
                      object);
}

// The layout of every [*]: what PyTorch gives the result of an elementwise operation on these arrays.
void Call::choose_flat_strides(const Slot& slot) {
    if (PyArray_IS_C_CONTIGUOUS(slot.array)) return c_strides(slot.ndim, slot.shape, flat_strides_);
    Operands operands;
    operands.ndim = slot.ndim;
    std::memcpy(operands.shape, slot.shape, sizeof(int64_t) * static_cast<size_t>(slot.ndim));
    auto add = [&](PyArrayObject* array) {
        operands.array[operands.count] = array;
        for (int d = 0; d < slot.ndim; d++) {
            operands.strides[operands.count][d] = PyArray_STRIDE(array, d) / PyArray_ITEMSIZE(array);
        }
        operands.count++;
    };
    add(slot.array);
    // Arrays that are still to come have a say where this one repeats elements.
    for (Py_ssize_t i = position_; i < count_ && operands.count < MAX_OPERANDS; i++) {
        auto* array = reinterpret_cast<PyArrayObject*>(arguments_[i]);
        if (PyArray_Check(arguments_[i]) && PyArray_ITEMSIZE(array) > 0 && same_shape(array, slot.array)) add(array);
    }
    int order[MAX_DIMS];
    result_strides(operands, flat_strides_, order);
}

bool Call::bind_flat(const ArrayRule& rule, Slot& slot, bool copies) {
    PyArrayObject* array = slot.array;
    auto* object = reinterpret_cast<PyObject*>(array);
    const auto item = PyArray_ITEMSIZE(array);
    if (!flat_ && copies) {
        choose_flat_strides(slot);
    } else if (!flat_) {
        if (!is_dense(array)) return fail_array(rule, "to be dense (no gaps, no repeats)", object);
        for (int d = 0; d < slot.ndim; d++) flat_strides_[d] = PyArray_STRIDE(array, d) / item;
    } else if (!same_shape(array, flat_)) {
        return fail_array(rule, ("of shape " + shape_text(flat_)).c_str(), object);
    } else if (PyArray_IS_C_CONTIGUOUS(array) && PyArray_IS_C_CONTIGUOUS(flat_)) {
        return true;
    }
    bool same = true;
    for (int d = 0; d < slot.ndim; d++) {
        same = same && (slot.shape[d] == 1 || PyArray_STRIDE(array, d) == flat_strides_[d] * item);
    }
    if (!same && PyArray_SIZE(array) > 0) {
        if (!copies) return fail_array(rule, "with the strides of the arrays before it", object);
        slot.array = copy_with_strides(array, flat_strides_);
        slot.owned = true;
        if (!slot.array) return false;
    }
    if (!flat_) flat_ = slot.array;
    return true;
}

bool Call::bind_dims(const ArrayRule& rule, Slot& slot) {
    auto* object = reinterpret_cast<PyObject*>(slot.array);
    int named = static_cast<int>(rule.dims.size()), first = slot.ndim - named;
    if (first < 0 || (first > 0 && !rule.leading))
        return fail_array(rule, ("of shape (" + rule.text + ")").c_str(), object);
    if (rule.leading) {
        if (leading_ < 0) {
            leading_ = first;
            std::memcpy(leading_shape_, slot.shape, sizeof(int64_t) * static_cast<size_t>(first));
        } else if (leading_ != first ||
                   std::memcmp(leading_shape_, slot.shape, sizeof(int64_t) * static_cast<size_t>(first)) != 0) {
            return fail_array(rule, ("with leading dimensions " + shape_text(leading_, leading_shape_)).c_str(),
                              object);
        }
    }
    for (int i = 0; i < named; i++) {
        int letter = rule.dims[static_cast<size_t>(i)] - 'a';
        int64_t size = slot.shape[first + i];
        if (!(bound_ >> letter & 1)) {
            bound_ |= 1u << letter;
            letters_[letter] = size;
        } else if (letters_[letter] != size) {
            std::string expected = "of shape (" + rule.text + ") with " + rule.dims[static_cast<size_t>(i)] + " = " +
                                   std::to_string(letters_[letter]);
            return fail_array(rule, expected.c_str(), object);
        }
    }
    // With leading dimensions that don't lie behind each other in memory a copy is needed even where strides are read.
    int64_t row = 0;
    const bool merges = !rule.leading || leading_stride(slot.array, first, row);
    if (!(rule.strided && merges) && !PyArray_IS_C_CONTIGUOUS(slot.array)) {
        slot.array = copy_with_strides(slot.array, nullptr);
        slot.owned = true;
        if (!slot.array) return false;
        leading_stride(slot.array, first, row);
    }
    for (int d = 0; d < slot.ndim; d++) {
        slot.strides[d] = PyArray_STRIDE(slot.array, d) / PyArray_ITEMSIZE(slot.array);
    }
    if (rule.leading) {
        for (int i = 0; i < named; i++)
            slot.strides[i + 1] = PyArray_STRIDE(slot.array, first + i) / PyArray_ITEMSIZE(slot.array);
        slot.strides[0] = row;
        merge_leading(rule, slot);
    }
    return true;
}

// The shape with all leading dimensions as one.
void Call::merge_leading(const ArrayRule& rule, Slot& slot) const {
    const int named = static_cast<int>(rule.dims.size());
    slot.shape[0] = product(leading_, leading_shape_);
    for (int i = 0; i < named; i++) slot.shape[i + 1] = letters_[rule.dims[static_cast<size_t>(i)] - 'a'];
    slot.ndim = named + 1;
}

// The shape that Python sees.
void Call::output_shape(const ArrayRule& rule, Slot& slot) const {
    slot.ndim = 0;
    if (rule.bits) slot.shape[slot.ndim++] = (PyArray_SIZE(flat_) + 7) / 8;
    if (rule.leading) {
        std::memcpy(slot.shape, leading_shape_, sizeof(int64_t) * static_cast<size_t>(leading_));
        slot.ndim = leading_;
    }
    for (char letter : rule.dims) slot.shape[slot.ndim++] = letters_[letter - 'a'];
}

bool Call::take_array(Slot& slot, DType& dtype, int64_t& size, bool& given) {
    const ArrayRule& rule = rule_.arrays[static_cast<size_t>(array_)];
    PyObject* object = next();
    if (!object) return false;
    given = object != Py_None;
    if (!given && rule.optional) return true;
    if (!PyArray_Check(object)) {
        raise_error(PyExc_TypeError, op_, "expected " + rule.name + " to be an array, got " + describe(object));
        return false;
    }
    slot.array = reinterpret_cast<PyArrayObject*>(object);
    slot.ndim = PyArray_NDIM(slot.array);
    if (slot.ndim > MAX_DIMS) return fail_array(rule, "of at most 16 dimensions", object);
    for (int d = 0; d < slot.ndim; d++) slot.shape[d] = PyArray_DIM(slot.array, d);
    size = PyArray_SIZE(slot.array);
    if (!check_dtype(rule, slot.array, dtype)) return false;
    if (rule.flat) {
        if (!bind_flat(rule, slot, !rule.in_place)) return false;
        slot.shape[0] = size;
        slot.strides[0] = 1;
        slot.ndim = 1;
        return true;
    }
    if (rule.bits) {
        if (slot.ndim == 1 && flat_ && size == (PyArray_SIZE(flat_) + 7) / 8) {
            slot.strides[0] = 1;
            return PyArray_IS_C_CONTIGUOUS(slot.array) || fail_array(rule, "to be contiguous", object);
        }
        return fail_array(rule, "with one bit an element", object);
    }
    if (rule.in_place && !PyArray_IS_C_CONTIGUOUS(slot.array)) return fail_array(rule, "to be contiguous", object);
    return bind_dims(rule, slot);
}

bool Call::load(In& value) {
    Slot& slot = slots_[array_];
    bool given = false;
    value = In{};
    if (!take_array(slot, value.dtype, value.size, given)) return false;
    array_++;
    if (!given) return true;
    value.data = PyArray_DATA(slot.array);
    value.shape = slot.shape;
    value.strides = slot.strides;
    value.ndim = slot.ndim;
    return true;
}

bool Call::load(InOut& value) {
    In taken;
    if (!load(taken)) return false;
    value = InOut{const_cast<void*>(taken.data), taken.shape, taken.strides, taken.ndim, taken.dtype, taken.size};
    return true;
}

// An array that is there already, for the kernel to add to.
bool Call::take_accumulator(const ArrayRule& rule, Slot& slot, Out& value, PyObject* object) {
    if (!PyArray_Check(object)) {
        raise_error(PyExc_TypeError, op_,
                    "expected " + rule.name + " to be an array to add to, got " + describe(object));
        return false;
    }
    auto* array = reinterpret_cast<PyArrayObject*>(object);
    DType dtype;
    if (!check_dtype(rule, array, dtype)) return false;
    if (!PyArray_ISWRITEABLE(array) || !PyArray_IS_C_CONTIGUOUS(array)) {
        return fail_array(rule, "to be writable and contiguous", object);
    }
    if (PyArray_NDIM(array) != slot.ndim || !std::equal(slot.shape, slot.shape + slot.ndim, PyArray_SHAPE(array))) {
        return fail_array(rule, ("of shape " + shape_text(slot.ndim, slot.shape)).c_str(), object);
    }
    slot.array = array;
    Py_INCREF(array);
    value.accumulate = true;
    return true;
}

bool Call::load(Out& value) {
    Slot& slot = slots_[array_];
    const ArrayRule& rule = rule_.arrays[static_cast<size_t>(array_++)];
    value = Out{};
    PyObject* given = nullptr;
    if (rule.accumulates && position_ < count_ && PyArray_Check(arguments_[position_])) {
        given = arguments_[position_++];
    } else if (rule.optional) {
        bool wanted = false;
        if (!load(wanted)) return false;
        if (!wanted) return true;
    }
    DType dtype = rule.common_dtype ? dtype_ : rule.dtype;
    if (rule.any_dtype) dtype_of(slots_[0].array, dtype);  // an output of any dtype has the first array's
    if (rule.flat) {
        slot.array = new_array(dtype, PyArray_NDIM(flat_), reinterpret_cast<const int64_t*>(PyArray_SHAPE(flat_)),
                               flat_strides_);
    } else {
        output_shape(rule, slot);
        if (given) {
            if (!take_accumulator(rule, slot, value, given)) return false;
        } else {
            slot.array = new_array(dtype, slot.ndim, slot.shape);
        }
    }
    if (!slot.array) return false;
    slot.owned = true;
    value.size = PyArray_SIZE(slot.array);
    if (rule.flat) {
        slot.shape[0] = value.size;
        slot.ndim = 1;
    } else if (rule.leading) {
        merge_leading(rule, slot);
    }
    for (int64_t d = slot.ndim - 1, step = 1; d >= 0; step *= slot.shape[d--]) slot.strides[d] = step;
    value.data = PyArray_DATA(slot.array);
    value.shape = slot.shape;
    value.strides = slot.strides;
    value.ndim = slot.ndim;
    value.dtype = dtype;
    return true;
}

bool Call::load(List& value) {
    const ArrayRule& rule = rule_.arrays[static_cast<size_t>(array_++)];
    PyObject* object = next();
    if (!object) return false;
    value = List{};
    if (object == Py_None && rule.optional) return true;
    if (!PyList_Check(object)) {
        raise_error(PyExc_TypeError, op_, "expected " + rule.name + " to be a list, got " + describe(object));
        return false;
    }
    const int list = list_++;
    std::vector<InOut>& items = lists_[list];
    const auto count = static_cast<size_t>(PyList_GET_SIZE(object));
    items.reserve(count);
    held_[list].reserve(count);
    for (Py_ssize_t i = 0; i < static_cast<Py_ssize_t>(count); i++) {
        PyObject* item = PyList_GET_ITEM(object, i);
        if (!PyArray_Check(item)) {
            raise_error(PyExc_TypeError, op_, "expected " + rule.name + " to hold arrays, got " + describe(item));
            return false;
        }
        auto* array = reinterpret_cast<PyArrayObject*>(item);
        DType dtype;
        if (!check_dtype(rule, array, dtype)) return false;
        if (!is_dense(array)) return fail_array(rule, "to be dense (no gaps, no repeats)", item);
        if (list > 0 && static_cast<size_t>(i) < held_[0].size() &&
            !same_layout(array, held_[0][static_cast<size_t>(i)])) {
            return fail_array(rule, "to have the shapes and strides of the first list", item);
        }
        held_[list].push_back(array);
        Py_INCREF(array);
        items.push_back(InOut{PyArray_DATA(array), nullptr, nullptr, 1, dtype, PyArray_SIZE(array)});
        list_items_ += PyArray_SIZE(array);
    }
    if (items.size() != lists_[0].size()) {
        raise_error(
            PyExc_RuntimeError, op_,
            "expected " + std::to_string(lists_[0].size()) + " " + rule.name + ", got " + std::to_string(items.size()));
        return false;
    }
    value.items = items.data();
    value.count = static_cast<int64_t>(items.size());
    return true;
}

// Puts a failed conversion into nabi's form; the exception's type stays.
bool Call::fail_value(const char* expected, PyObject* got) {
    PyObject* type = PyErr_Occurred();
    Py_INCREF(type);
    PyErr_Clear();
    raise_error(type, op_, std::string("expected ") + expected + ", got " + describe(got));
    Py_DECREF(type);
    return false;
}

bool Call::load(double& value) {
    PyObject* object = next();
    if (!object) return false;
    value = PyFloat_AsDouble(object);
    return value != -1.0 || !PyErr_Occurred() || fail_value("a number", object);
}

bool Call::load(int64_t& value) {
    PyObject* object = next();
    if (!object) return false;
    value = PyLong_AsLongLong(object);
    return value != -1 || !PyErr_Occurred() || fail_value("an integer that int64 holds", object);
}

bool Call::load(bool& value) {
    PyObject* object = next();
    if (!object) return false;
    int truth = PyObject_IsTrue(object);
    value = truth == 1;
    return truth >= 0 || fail_value("True or False", object);
}

bool Call::load(Mt19937*& value) {
    generator_ = next();
    if (!generator_) return false;
    value = generator_state(generator_);
    return value != nullptr;
}

bool Call::worth_releasing_gil() const {
    // About 20 us: 40,000 elements of plain work, a million multiply-adds.
    int64_t largest = list_items_;
    for (int i = 0; i < array_; i++) {
        if (slots_[i].array) largest = std::max(largest, static_cast<int64_t>(PyArray_SIZE(slots_[i].array)));
    }
    if (largest > 40000) return true;
    double volume = leading_ >= 0 ? static_cast<double>(product(leading_, leading_shape_)) : 1.0;
    for (int letter = 0; letter < 26; letter++) {
        if (bound_ >> letter & 1) volume *= static_cast<double>(letters_[letter]);
    }
    return volume > 1e6;
}

}  // namespace nabi::bindings
