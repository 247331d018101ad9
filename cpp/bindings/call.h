// SPDX-License-Identifier: Apache-2.0
// One call of a kernel from Python: the rule decides checks, layouts and output shapes; the prototype decides which
// Python argument becomes what. bind<&Kernels::name> is generated for every line of kernels.def.
#pragma once
#include <chrono>
#include <tuple>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/generator.h"
#include "bindings/rule.h"
#include "kernels/table.h"

namespace nabi::bindings {

// NABI_TRACE=1: every kernel call is printed with its sizes, set, threads and time. Read once, at import.
extern bool trace;

class Call {
  public:
    Call(const char* op, const Rule& rule, PyObject* const* arguments, Py_ssize_t count)
        : op_(op), rule_(rule), arguments_(arguments), count_(count) {}
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Each takes the next Python argument; false means a Python exception is set.
    bool load(In& value);
    bool load(InOut& value);
    bool load(Out& value);
    bool load(List& value);
    bool load(double& value);
    bool load(int64_t& value);
    bool load(bool& value);
    bool load(Mt19937*& value);
    bool finish_arguments(Py_ssize_t wanted);

    bool worth_releasing_gil() const;
    PyObject* result();
    PyObject* failed(const Status& status);
    void print_trace(double seconds) const;

    void lock_generator() {
        if (generator_) generator_lock(generator_);
    }
    void unlock_generator() {
        if (generator_) generator_unlock(generator_);
    }

  private:
    struct Slot {
        PyArrayObject* array = nullptr;
        bool owned = false;
        int ndim = 0;
        int64_t shape[MAX_DIMS];
        int64_t strides[MAX_DIMS];
    };

    PyObject* next();
    bool fail_array(const ArrayRule& rule, const char* expected, PyObject* got);
    bool check_dtype(const ArrayRule& rule, PyArrayObject* array, DType& dtype);
    bool fail_value(const char* expected, PyObject* got);
    void choose_flat_strides(const Slot& slot);
    bool bind_flat(const ArrayRule& rule, Slot& slot, bool copies);
    bool bind_dims(const ArrayRule& rule, Slot& slot);
    void output_shape(const ArrayRule& rule, Slot& slot) const;
    void merge_leading(const ArrayRule& rule, Slot& slot) const;
    bool take_accumulator(const ArrayRule& rule, Slot& slot, Out& value, PyObject* object);
    bool take_array(Slot& slot, DType& dtype, int64_t& size, bool& given);

    const char* op_;
    const Rule& rule_;
    PyObject* const* arguments_;
    Py_ssize_t count_;
    Py_ssize_t position_ = 0;
    int array_ = 0;
    Slot slots_[MAX_ARRAYS];
    std::vector<InOut> lists_[3];
    std::vector<PyArrayObject*> held_[3];  // references: a list may be changed while the kernel runs without the GIL
    int list_ = 0;

    bool has_dtype_ = false;
    DType dtype_ = DType::f32;
    int64_t letters_[26];
    uint32_t bound_ = 0;
    int leading_ = -1;  // number of leading dimensions, once known
    int64_t leading_shape_[MAX_DIMS];
    PyArrayObject* flat_ = nullptr;  // the array that decides shape and layout of every [*]
    int64_t flat_strides_[MAX_DIMS];
    int64_t list_items_ = 0;
    PyObject* generator_ = nullptr;
};

template <class A>
struct Holder {
    A value{};
    A get() { return value; }
};
template <class A>
struct Holder<const A&> {
    A value{};
    const A& get() { return value; }
};
template <>
struct Holder<Mt19937&> {
    Mt19937* value = nullptr;
    Mt19937& get() { return *value; }
};

template <class... A>
Status run(Status (*kernel)(A...) noexcept, std::tuple<Holder<A>...>& holders) {
    return std::apply([&](auto&... holder) { return kernel(holder.get()...); }, holders);
}

template <class... A>
PyObject* call_kernel(Status (*kernel)(A...) noexcept, const char* op, const Rule& rule, PyObject* const* arguments,
                      Py_ssize_t count) {
    Call call(op, rule, arguments, count);
    std::tuple<Holder<A>...> holders;
    bool loaded = std::apply([&](auto&... holder) { return (call.load(holder.value) && ...); }, holders);
    if (!loaded || !call.finish_arguments(count)) return nullptr;
    Status status;
    auto start = trace ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    if (call.worth_releasing_gil()) {
        PyThreadState* state = PyEval_SaveThread();
        call.lock_generator();
        status = run(kernel, holders);
        call.unlock_generator();
        PyEval_RestoreThread(state);
    } else {
        call.lock_generator();
        status = run(kernel, holders);
        call.unlock_generator();
    }
    if (trace) call.print_trace(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (status.code != 0) return call.failed(status);
    return call.result();
}

}  // namespace nabi::bindings
