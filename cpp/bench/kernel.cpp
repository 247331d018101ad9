// SPDX-License-Identifier: Apache-2.0
// Times one kernel on every instruction set, without Python: kernel NAME SHAPE [f32|f64] [threads].
// SHAPE gives the sizes of the rule's letters in their order in kernels.def: linear 64x784x512 is ... = 64, i = 784,
// o = 512. Where the rule says [*], and for broadcasting ops, SHAPE is the shape itself.
#include <chrono>

#include "bench/arguments.h"
#include "runtime/cpu.h"
#include "runtime/measure.h"
#include "runtime/parallel.h"

using namespace nabi;
using namespace nabi::bench;

namespace {

// Matrix products in one call; the others are judged by memory alone.
const std::map<std::string, int> PRODUCTS = {
    {"linear", 1}, {"linear_backward", 2}, {"matmul", 1}, {"batched_matmul", 1}};

std::vector<int64_t> parse_shape(const char* text) {
    std::vector<int64_t> sizes;
    for (const char* at = text; *at;) {
        char* end = nullptr;
        sizes.push_back(std::strtoll(at, &end, 10));
        if (end == at || sizes.back() < 1 || (*end && *end != 'x'))
            stop(std::string("SHAPE: expected 64x784x512 or the like, got ") + text);
        at = *end ? end + 1 : end;
    }
    if (sizes.empty() || sizes.size() > MAX_DIMS) stop("SHAPE: expected 1 to 16 sizes");
    return sizes;
}

std::vector<int64_t> checked_shape(const std::string& name, const Op& op, const char* text) {
    std::vector<int64_t> sizes = parse_shape(text);
    const std::string letters = op.letters();
    if (letters.empty() || letters.size() == sizes.size()) return sizes;
    std::string wanted;
    for (char letter : letters) wanted += letter == '.' ? std::string(" ...") : std::string(" ") + letter;
    stop(name + ": expected SHAPE with the sizes" + wanted + ", got " + text);
}

// Seconds of the fastest of the calls that fit into 0.4 s; at least 3.
double fastest(const Call& call) {
    using clock = std::chrono::steady_clock;
    auto seconds = [](clock::time_point a, clock::time_point b) {
        return std::chrono::duration<double>(b - a).count();
    };
    double best = 1e9;
    int calls = 0;
    for (auto start = clock::now(); calls < 4 || seconds(start, clock::now()) < 0.4; calls++) {
        auto begin = clock::now();
        const Status status = call();
        const double took = seconds(begin, clock::now());
        if (status.code) stop("the kernel refused this shape, status " + std::to_string(status.code));
        if (calls) best = std::min(best, took);
    }
    return best;
}

}  // namespace

int main(int count, char** argument) {
    const std::map<std::string, Op> ops = all_ops();
    if (count < 3 || !ops.count(argument[1])) {
        std::string names;
        for (const auto& op : ops) names += " " + op.first;
        stop("usage: kernel NAME SHAPE [f32|f64] [threads], NAME out of:" + names);
    }
    const std::string name = argument[1];
    const bool is_double = count > 3 && std::string(argument[3]) == "f64";
    if (count > 4) set_num_threads(std::atoi(argument[4]));
    const int threads = get_num_threads();
    const Op& op = ops.at(name);
    Arguments given = op.arguments(checked_shape(name, op, argument[2]), is_double ? DType::f64 : DType::f32);
    const double flops = PRODUCTS.count(name) ? 2 * given.work * PRODUCTS.at(name) : 0;
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
        given.next_array = 0;
        given.next_integer = -100;
        given.items.clear();
        // Where others use the cores, both threads are rarely free at once.
        const double peak =
            std::max(measure_peak_gflops(isa, threads, is_double), threads * measure_peak_gflops(isa, 1, is_double));
        const double time = fastest(op.bind(kernels, given));
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
