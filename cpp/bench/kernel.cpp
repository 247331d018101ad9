// SPDX-License-Identifier: Apache-2.0
// Times one kernel on every instruction set, without Python: kernel NAME SHAPE [f32|f64] [threads].
// SHAPE gives the sizes of the rule's letters in their order in kernels.def: linear 64x784x512 is ... = 64, i = 784,
// o = 512. Where the rule says [*], and for broadcasting ops, SHAPE is the shape itself.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "bindings/rule.cpp"  // the parser knows no Python; nabi_core leaves bindings/ out
#include "kernels/table.h"
#include "runtime/cpu.h"
#include "runtime/measure.h"
#include "runtime/parallel.h"
#include "runtime/pool.h"
#include "sets.h"

namespace nabi {
#define NABI_DECLARE(set)         \
    namespace set {               \
    extern const Kernels kernels; \
    }
NABI_FOR_EACH_SET(NABI_DECLARE)
#undef NABI_DECLARE
}  // namespace nabi

namespace {

using namespace nabi;
using bindings::ArrayRule;
using bindings::Rule;

// Matrix products that one call does, where it is not one.
const std::map<std::string, int> PRODUCTS = {{"linear_backward", 2}};

[[noreturn]] void stop(const std::string& sentence) {
    std::fprintf(stderr, "kernel: %s\n", sentence.c_str());
    std::exit(2);
}

std::vector<int64_t> parse_shape(const char* text) {
    std::vector<int64_t> sizes;
    for (const char* at = text; *at;) {
        char* end = nullptr;
        sizes.push_back(std::strtoll(at, &end, 10));
        if (end == at || sizes.back() < 1 || (*end && *end != 'x'))
            stop(std::string("expected SHAPE like 64x784x512, got ") + text);
        at = *end ? end + 1 : end;
    }
    if (sizes.empty() || sizes.size() > MAX_DIMS) stop("expected SHAPE with 1 to 16 sizes");
    return sizes;
}

int64_t item_size(DType dtype) {
    constexpr int64_t SIZES[] = {4, 8, 8, 4, 2, 1, 1, 1};
    return SIZES[static_cast<int>(dtype)];
}

// An array with data that every kernel accepts: floats in (0, 1), integers below every size of the rule.
struct Array {
    std::vector<int64_t> shape, strides;
    DType dtype = DType::f32;
    int64_t size = 1;
    void* data = nullptr;

    Array(std::vector<int64_t> dims, DType type, int64_t index_limit) : shape(std::move(dims)), dtype(type) {
        strides.resize(shape.size());
        for (size_t d = shape.size(); d-- > 0; size *= shape[d]) strides[d] = size;
        data = pool_allocate(static_cast<size_t>(bytes()));
        if (!data) stop("out of memory");
        for (int64_t i = 0; i < size; i++) {
            double value = static_cast<double>((i * 7919 + 13) % 1009 + 1) / 1011.0;
            if (dtype == DType::f32) static_cast<float*>(data)[i] = static_cast<float>(value);
            if (dtype == DType::f64) static_cast<double*>(data)[i] = value;
            if (dtype == DType::i64) static_cast<int64_t*>(data)[i] = i * 7919 % index_limit;
        }
        if (item_size(dtype) < 4) std::memset(data, 1, static_cast<size_t>(bytes()));
    }
    int64_t bytes() const { return size * item_size(dtype); }

    template <class T>
    T view() const {
        return T{data, shape.data(), strides.data(), static_cast<int32_t>(shape.size()), dtype, size};
    }
};

struct Arguments {
    std::vector<std::unique_ptr<Array>> arrays;
    std::vector<InOut> items;  // what the Lists point to
    Mt19937 generator;
    size_t next_array = 0;
    int64_t integer = -1100;
    double bytes = 0.0;
    double work = 1.0;

    const Array& array() { return *arrays.at(next_array++); }
};

// What a prototype's parameter is called with.
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
struct Given<int64_t> {
    using type = int64_t;
    static type make(Arguments& a) { return a.integer += 1000; }  // -100 (ignore_index, low), then 900 (high)
};
template <>
struct Given<bool> {
    using type = bool;
    static type make(Arguments&) { return false; }
};

Arguments arguments_for(const std::string& op, const Rule& rule, const std::vector<int64_t>& sizes, DType dtype) {
    std::map<char, int64_t> letters;
    std::string order;
    auto bind = [&](char letter) {
        if (letters.count(letter)) return;
        order += letter == '.' ? std::string(" ...") : std::string(" ") + letter;
        letters[letter] = letters.size() < sizes.size() ? sizes[letters.size()] : 0;
    };
    for (const ArrayRule& array : rule.arrays) {
        if (array.leading) bind('.');
        for (char letter : array.dims) bind(letter);
    }
    if (!letters.empty() && letters.size() != sizes.size()) stop(op + ": expected SHAPE with the sizes" + order);

    Arguments given;
    mt_seed(given.generator, 1);
    int64_t total = 1, limit = INT64_MAX;
    for (int64_t size : sizes) {
        total *= size;
        limit = std::min(limit, size);
    }
    for (const ArrayRule& array : rule.arrays) {
        std::vector<int64_t> shape;
        if (array.bits) {
            shape = {(total + 7) / 8};
        } else if (array.flat || (array.dims.empty() && !array.leading && letters.empty())) {
            shape = sizes;
        }
        if (array.leading) shape.push_back(letters['.']);
        for (char letter : array.dims) shape.push_back(letters[letter]);
        bool is_index = !array.common_dtype && !array.any_dtype;
        given.arrays.push_back(std::make_unique<Array>(shape, is_index ? array.dtype : dtype, limit));
        given.bytes += static_cast<double>(given.arrays.back()->bytes()) * (array.in_place ? 2 : 1);
    }
    if (rule.arrays[0].name == "table") {  // only the rows that are taken are read
        given.bytes += static_cast<double>(given.arrays.back()->bytes() - given.arrays[0]->bytes());
    }
    given.items.reserve(rule.arrays.size());
    given.work = static_cast<double>(total);
    return given;
}

// Seconds of the fastest of the calls that fit into 0.4 s; at least 3.
template <class F>
double fastest(const F& call) {
    using clock = std::chrono::steady_clock;
    auto seconds = [](clock::time_point a, clock::time_point b) {
        return std::chrono::duration<double>(b - a).count();
    };
    double best = 1e9;
    int calls = 0;
    for (auto start = clock::now(); calls < 4 || seconds(start, clock::now()) < 0.4; calls++) {
        auto begin = clock::now();
        Status status = call();
        double took = seconds(begin, clock::now());
        if (status.code) stop("the kernel refused this shape, status " + std::to_string(status.code));
        if (calls) best = std::min(best, took);
    }
    return best;
}

using Runner = std::function<double(const Kernels&, Arguments&)>;

template <class... A>
Runner runner(Status (*Kernels::*slot)(A...) noexcept) {
    return [slot](const Kernels& kernels, Arguments& given) {
        given.next_array = 0;
        given.integer = -1100;
        given.items.clear();
        std::tuple<typename Given<A>::type...> values{Given<A>::make(given)...};  // braces: from left to right
        return fastest([&] { return std::apply(kernels.*slot, values); });
    };
}

Runner broadcast_runner(Status (*Kernels::*slot)(const Elementwise&) noexcept, int inputs) {
    return [slot, inputs](const Kernels& kernels, Arguments& given) {
        Elementwise e = {};
        const Array& output = *given.arrays[0];
        e.ndim = 1;
        e.operands = inputs + 1;
        e.dtype = output.dtype;
        e.size = e.shape[0] = output.size;
        for (size_t i = 0; i <= static_cast<size_t>(inputs); i++) {
            e.strides[i][0] = 1;
            e.data[i] = given.arrays[i]->data;
        }
        return fastest([&] { return (kernels.*slot)(e); });
    };
}

struct Op {
    Rule rule;
    Runner run;
    bool multiplies;  // the letters' product counts multiply-adds
};

std::map<std::string, Op> all_ops() {
    std::map<std::string, Op> ops;
    const char* broadcast[] = {"", "out[*] a[*]", "out[*] a[*] b[*]", "out[*] a[*] b[*] c[*]"};
#define NABI_OP(name, rule, prototype) ops[#name] = {bindings::parse_rule(#name, rule), runner(&Kernels::name), false};
#define NABI_ELEMENTWISE(name, inputs) \
    ops[#name] = {bindings::parse_rule(#name, broadcast[inputs]), broadcast_runner(&Kernels::name, inputs), false};
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
    for (const char* name : {"linear", "linear_backward", "matmul", "batched_matmul"}) {
        if (ops.count(name)) ops[name].multiplies = true;
    }
    return ops;
}

}  // namespace

int main(int count, char** argument) {
    std::map<std::string, Op> ops = all_ops();
    if (count < 3 || !ops.count(argument[1])) {
        std::string names;
        for (const auto& op : ops) names += " " + op.first;
        stop("usage: kernel NAME SHAPE [f32|f64] [threads], NAME out of:" + names);
    }
    const std::string name = argument[1];
    const bool is_double = count > 3 && std::string(argument[3]) == "f64";
    if (count > 4) set_num_threads(std::atoi(argument[4]));
    const int threads = get_num_threads();
    const Op& op = ops[name];
    Arguments given = arguments_for(name, op.rule, parse_shape(argument[2]), is_double ? DType::f64 : DType::f32);
    const double products = PRODUCTS.count(name) ? PRODUCTS.at(name) : 1;
    const double flops = op.multiplies ? 2 * given.work * products : 0;
    // Small kernels stay on one thread; below 16 kB a pass is too short to be measured.
    const auto bytes = static_cast<size_t>(std::max(given.bytes, 16384.0));
    const double bandwidth = std::max(measure_bandwidth_gbs(bytes, 1), measure_bandwidth_gbs(bytes, threads));

    std::printf("%s %s %s, %d threads, %.3g MB once per array; memory of this size gives %.0f GB/s\n", name.c_str(),
                argument[2], is_double ? "f64" : "f32", threads, given.bytes / 1e6, bandwidth);
    std::printf("%-8s %12s %10s %10s %10s   %s\n", "set", "time", "GFLOP/s", "GB/s", "roofline", "bound by");
    auto report = [&](const char* set, Isa isa, const Kernels& kernels) {
        if (!cpu_has(isa)) {
            std::printf("%-8s not on this CPU\n", set);
            return;
        }
        const double peak = measure_peak_gflops(isa, threads, is_double);
        const double time = op.run(kernels, given);
        const double by_memory = given.bytes / (bandwidth * 1e9), by_arithmetic = flops / (peak * 1e9);
        std::printf("%-8s %9.2f us %10.1f %10.1f %9.0f%%   %s\n", set, time * 1e6, flops / time / 1e9,
                    given.bytes / time / 1e9, 100 * std::max(by_memory, by_arithmetic) / time,
                    by_memory > by_arithmetic ? "memory" : "arithmetic");
    };
#define NABI_REPORT(set) report(#set, Isa::set, set::kernels);
    NABI_FOR_EACH_SET(NABI_REPORT)
#undef NABI_REPORT
    return 0;
}
