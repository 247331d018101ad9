// SPDX-License-Identifier: Apache-2.0
// Arguments for any kernel of kernels.def, made from its rule and a few sizes: what a program without Python calls it with.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/rule.cpp"  // the parser knows no Python; nabi_core leaves bindings/ out
#include "kernels/table.h"
#include "runtime/mt19937.h"
#include "runtime/pool.h"
#include "sets.h"  // written by CMake: NABI_FOR_EACH_SET

namespace nabi {
#define NABI_DECLARE(set)         \
    namespace set {               \
    extern const Kernels kernels; \
    }
NABI_FOR_EACH_SET(NABI_DECLARE)
#undef NABI_DECLARE
}  // namespace nabi

namespace nabi::bench {

using bindings::ArrayRule;
using bindings::Rule;

[[noreturn]] inline void stop(const std::string& sentence) {
    std::fprintf(stderr, "%s\n", sentence.c_str());
    std::exit(2);
}

inline int64_t item_size(DType dtype) {
    constexpr int64_t SIZES[] = {4, 8, 8, 4, 2, 1, 1, 1};
    return SIZES[static_cast<int>(dtype)];
}

// Data that every kernel accepts: floats in (0, 1), integers below every size of the call.
struct Array {
    std::vector<int64_t> shape, strides;
    DType dtype;
    int64_t size = 1;
    void* data;

    Array(std::vector<int64_t> dims, DType type, int64_t index_limit) : shape(std::move(dims)), dtype(type) {
        strides.resize(shape.size());
        for (size_t d = shape.size(); d-- > 0; size *= shape[d]) strides[d] = size;
        data = pool_allocate(static_cast<size_t>(bytes()));
        if (!data) stop("out of memory");
        std::memset(data, 1, static_cast<size_t>(bytes()));
        for (int64_t i = 0; i < size; i++) {
            const double value = static_cast<double>((i * 7919 + 13) % 1009 + 1) / 1011.0;
            if (dtype == DType::f32) static_cast<float*>(data)[i] = static_cast<float>(value);
            if (dtype == DType::f64) static_cast<double*>(data)[i] = value;
            if (dtype == DType::i64) static_cast<int64_t*>(data)[i] = i * 7919 % index_limit;
        }
    }
    ~Array() { pool_free(data, static_cast<size_t>(bytes())); }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;

    int64_t bytes() const { return size * item_size(dtype); }

    template <class T>
    T view() const {
        return T{data, shape.data(), strides.data(), static_cast<int32_t>(shape.size()), dtype, size};
    }
};

struct Arguments {
    std::vector<std::unique_ptr<Array>> arrays;  // in the rule's order
    std::vector<InOut> items;                    // what a List points to
    Mt19937 generator;
    size_t next_array = 0;
    int64_t next_integer = -100;
    double bytes = 0.0;  // each array once, those changed in place twice
    double work = 1.0;   // the product of all sizes

    const Array& array() { return *arrays.at(next_array++); }
};

// What a parameter of a prototype is given.
template <class T>
struct Given;
template <>
struct Given<const In&> {
    using type = In;
    static type make(Arguments& a) { return a.array().view<In>(); }
};
template <>
struct Given<const Out&> {
    using type = Out;
    static type make(Arguments& a) { return a.array().view<Out>(); }
};
template <>
struct Given<const InOut&> {
    using type = InOut;
    static type make(Arguments& a) { return a.array().view<InOut>(); }
};
template <>
struct Given<const List&> {
    using type = List;
    static type make(Arguments& a) {
        a.items.push_back(a.array().view<InOut>());
        return List{&a.items.back(), 1};
    }
};
template <>
struct Given<Mt19937&> {
    using type = std::reference_wrapper<Mt19937>;
    static type make(Arguments& a) { return a.generator; }
};
template <>
struct Given<double> {
    using type = double;
    static type make(Arguments&) { return 0.25; }
};
template <>
struct Given<int64_t> {  // -100 (an ignore_index, a lower bound), then 900
    using type = int64_t;
    static type make(Arguments& a) { return std::exchange(a.next_integer, a.next_integer + 1000); }
};
template <>
struct Given<bool> {
    using type = bool;
    static type make(Arguments&) { return false; }
};

using Call = std::function<Status()>;

struct Op {
    Rule rule;
    std::function<Call(const Kernels&, Arguments&)> bind;

    // The rule's sizes in the order of their first use; '.' stands for leading dimensions. Empty: any shape.
    std::string letters() const {
        std::string found;
        auto add = [&](char letter) {
            if (found.find(letter) == std::string::npos) found += letter;
        };
        for (const ArrayRule& array : rule.arrays) {
            if (array.leading) add('.');
            for (char letter : array.dims) add(letter);
        }
        return found;
    }

    // `sizes` are those of letters(), or the shape itself where there are none.
    Arguments arguments(const std::vector<int64_t>& sizes, DType dtype) const {
        const std::string names = letters();
        Arguments given;
        mt_seed(given.generator, 1);
        given.items.reserve(rule.arrays.size());
        int64_t total = 1, limit = INT64_MAX;
        for (int64_t size : sizes) {
            total *= size;
            limit = std::min(limit, size);
        }
        given.work = static_cast<double>(total);
        for (const ArrayRule& array : rule.arrays) {
            std::vector<int64_t> shape;
            if (array.bits) {
                shape = {(total + 7) / 8};
            } else if (array.flat || names.empty()) {
                shape = sizes;
            }
            if (array.leading) shape.push_back(sizes.at(names.find('.')));
            for (char letter : array.dims) shape.push_back(sizes.at(names.find(letter)));
            const bool fixed = !array.common_dtype && !array.any_dtype;
            given.arrays.push_back(std::make_unique<Array>(shape, fixed ? array.dtype : dtype, limit));
            given.bytes += static_cast<double>(given.arrays.back()->bytes()) * (array.in_place ? 2 : 1);
        }
        if (rule.arrays[0].name == "table") {  // only the rows that are taken are read
            given.bytes += static_cast<double>(given.arrays.back()->bytes() - given.arrays[0]->bytes());
        }
        return given;
    }
};

template <class... A>
Op op_of(const char* name, const char* rule, Status (*Kernels::*slot)(A...) noexcept) {
    auto bind = [slot](const Kernels& kernels, Arguments& given) -> Call {
        auto* kernel = kernels.*slot;
        std::tuple<typename Given<A>::type...> values{Given<A>::make(given)...};  // braces: from left to right
        return [kernel, values]() mutable { return std::apply(kernel, values); };
    };
    return {bindings::parse_rule(name, rule), bind};
}

inline Op broadcast_op(const char* name, int inputs, Status (*Kernels::*slot)(const Elementwise&) noexcept) {
    const char* const rules[] = {"out[*]", "out[*] a[*]", "out[*] a[*] b[*]", "out[*] a[*] b[*] c[*]"};
    auto bind = [slot, inputs](const Kernels& kernels, Arguments& given) -> Call {
        Elementwise e = {};
        e.ndim = 1;
        e.operands = inputs + 1;
        e.dtype = given.arrays[0]->dtype;
        e.size = e.shape[0] = given.arrays[0]->size;
        for (size_t i = 0; i <= static_cast<size_t>(inputs); i++) {
            e.strides[i][0] = 1;
            e.data[i] = given.arrays[i]->data;
        }
        return [kernel = kernels.*slot, e] { return kernel(e); };
    };
    return {bindings::parse_rule(name, rules[inputs]), bind};
}

inline Op reduce_op(const char* name, Status (*Kernels::*slot)(const Reduction&, double) noexcept) {
    auto bind = [slot](const Kernels& kernels, Arguments& given) -> Call {
        const std::vector<int64_t>& shape = given.arrays[0]->shape;
        Reduction r = {};
        r.kept = 2;
        r.reduced = 1;
        r.dtype = given.arrays[0]->dtype;
        r.outputs = shape[0] * shape[2];
        r.count = shape[1];
        const int order[] = {0, 2, 1};
        for (size_t d = 0; d < 3; d++) {
            r.shape[d] = shape[static_cast<size_t>(order[d])];
            r.strides[d] = given.arrays[0]->strides[static_cast<size_t>(order[d])];
        }
        r.input = given.arrays[0]->data;
        r.output = given.arrays[1]->data;
        return [kernel = kernels.*slot, r] { return kernel(r, 0.25); };
    };
    return {bindings::parse_rule(name, "input[a r b] -> output[a b]"), bind};
}

inline std::map<std::string, Op> all_ops() {
    std::map<std::string, Op> ops;
#define NABI_OP(name, rule, prototype) ops.emplace(#name, op_of(#name, rule, &Kernels::name));
#define NABI_ELEMENTWISE(name, inputs) ops.emplace(#name, broadcast_op(#name, inputs, &Kernels::name));
#define NABI_REDUCE(name) ops.emplace(#name, reduce_op(#name, &Kernels::name));
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
#undef NABI_REDUCE
    return ops;
}

}  // namespace nabi::bench
