// SPDX-License-Identifier: Apache-2.0
// The extension module nabi._C: one function per line of kernels.def, and the runtime's switches.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include "bindings/active_set.h"
#include "bindings/call.h"
#include "bindings/copies.h"
#include "bindings/elementwise.h"
#include "bindings/generator.h"
#include "bindings/graph.h"
#include "bindings/reduce.h"
#include "runtime/counters.h"
#include "runtime/cpu.h"
#include "runtime/environment.h"
#include "runtime/measure.h"
#include "runtime/parallel.h"
#include "runtime/pool.h"

#ifdef Py_GIL_DISABLED
#error "nabi needs a Python with the global interpreter lock: records, generators and the set in use are guarded by it"
#endif

namespace py = pybind11;

namespace nabi::bindings {

namespace {

// The kernels are called through METH_FASTCALL functions: a pybind11 overload dispatch costs more than a small op.
#define NABI_OP(name, rule, prototype)                                                     \
    PyObject* python_##name(PyObject*, PyObject* const* arguments, Py_ssize_t count) try { \
        static const Rule parsed = parse_rule(#name, rule);                                \
        return call_kernel(active->name, #name, parsed, arguments, count);                 \
    } catch (const std::bad_alloc&) {                                                      \
        return raise_no_memory(#name);                                                     \
    }
#define NABI_ELEMENTWISE(name, inputs)                                                     \
    PyObject* python_##name(PyObject*, PyObject* const* arguments, Py_ssize_t count) try { \
        return call_elementwise(active->name, #name, inputs, arguments, count);            \
    } catch (const std::bad_alloc&) {                                                      \
        return raise_no_memory(#name);                                                     \
    }
#define NABI_REDUCE(name)                                                                  \
    PyObject* python_##name(PyObject*, PyObject* const* arguments, Py_ssize_t count) try { \
        return call_reduce(active->name, #name, arguments, count);                         \
    } catch (const std::bad_alloc&) {                                                      \
        return raise_no_memory(#name);                                                     \
    }
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
#undef NABI_REDUCE

template <class F>
PyCFunction as_method(F function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef METHODS[] = {
#define NABI_OP(name, rule, prototype) {#name, as_method(&python_##name), METH_FASTCALL, rule},
#define NABI_ELEMENTWISE(name, inputs) {#name, as_method(&python_##name), METH_FASTCALL, "broadcasts"},
#define NABI_REDUCE(name) {#name, as_method(&python_##name), METH_FASTCALL, "reduces"},
#include "kernels.def"
#undef NABI_OP
#undef NABI_ELEMENTWISE
#undef NABI_REDUCE
    {nullptr, nullptr, 0, nullptr}};

py::list kernel_names() {
    py::list names;
    for (PyMethodDef* method = METHODS; method->ml_name; method++) names.append(method->ml_name);
    return names;
}

py::dict memory_stats_dict() {
    MemoryStats stats = memory_stats();
    py::dict d;
    d["allocated_bytes"] = stats.allocated_bytes;
    d["peak_allocated_bytes"] = stats.peak_allocated_bytes;
    d["cached_bytes"] = stats.cached_bytes;
    d["allocations"] = stats.allocations;
    d["cache_hits"] = stats.cache_hits;
    d["os_allocations"] = stats.os_allocations;
    return d;
}

py::dict parallel_stats_dict() {
    ParallelStats stats = parallel_stats();
    py::dict d;
    d["regions"] = stats.regions;
    d["threaded_regions"] = stats.threaded_regions;
    d["max_team"] = stats.max_team;
    return d;
}

py::dict gemm_stats_dict() {
    const GemmCounts counts = gemm_counts();
    py::dict d;
    d["full_tiles"] = counts.full_tiles;
    d["edge_tiles"] = counts.edge_tiles;
    d["runs"] = counts.runs;
    d["chunked"] = counts.chunked;
    return d;
}

// What lies between the end of an array that owns a block of the pool and the block's end: a guard band for tests.
py::bytes block_tail(const py::object& object) {
    if (!PyArray_Check(object.ptr())) throw py::type_error("block_tail: expected an array");
    auto* array = reinterpret_cast<PyArrayObject*>(object.ptr());
    const auto bytes = static_cast<size_t>(PyArray_NBYTES(array));
    PyObject* capsule = PyArray_HANDLER(array);
    if (!capsule || bytes == 0 || !(PyArray_FLAGS(array) & NPY_ARRAY_OWNDATA)) return {};
    auto* handler = static_cast<PyDataMem_Handler*>(PyCapsule_GetPointer(capsule, "mem_handler"));
    if (!handler || std::strcmp(handler->name, "nabi_pool") != 0) return {};
    return {PyArray_BYTES(array) + bytes, pool_block_size(PyArray_DATA(array)) - bytes};
}

}  // namespace

void fill_module(py::module_& m) {
    if (!initialise_arrays()) throw py::error_already_set();
    const char* wanted = std::getenv("NABI_TRACE");
    trace = wanted && *wanted && *wanted != '0';
    choose_first_set();
    if (PyModule_AddFunctions(m.ptr(), METHODS) < 0) throw py::error_already_set();
    init_generator(m.ptr());
    init_graph(m.ptr());
    init_copies(m.ptr());
    m.attr("OutOfMemoryError") = py::reinterpret_borrow<py::object>(out_of_memory_error());
    m.def("kernel_names", &kernel_names);
    m.def("set_isa", &choose_set);
    m.def("get_isa", &active_set_name);
    m.def("built_isas", &built_sets);
    m.def("available_isas", &available_sets);
    m.def("isa_description", [] {
        const std::string name = active_set_name();
        for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
            if (name == isa_name(isa)) return std::string(isa_description(isa));
        }
        return name;
    });
    m.def("get_num_threads", &get_num_threads);
    m.def("set_num_threads", &set_num_threads);
    m.def("parallel_stats", &parallel_stats_dict);
    m.def("gemm_stats", &gemm_stats_dict);
    m.def("set_grain_override", &set_grain_override);
    m.def("memory_stats", &memory_stats_dict);
    m.def("empty_cache", &empty_cache);
    m.def("reset_peak_memory_stats", &reset_peak_memory_stats);
    m.def("set_fill_nan", &set_fill_nan);
    m.def("set_small_blocks", &set_small_blocks);
    m.def("block_tail", &block_tail);
    m.def("measure_peak_gflops", [](const std::string& isa, int threads, bool is_double) {
        for (Isa each : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
            if (isa == isa_name(each) && cpu_has(each)) {
                py::gil_scoped_release release;
                return measure_peak_gflops(each, threads, is_double);
            }
        }
        throw std::invalid_argument("measure_peak_gflops: expected one of this CPU's sets, got " + isa);
    });
    m.def("measure_bandwidth_gbs", [](size_t bytes, int threads) {
        py::gil_scoped_release release;
        return measure_bandwidth_gbs(bytes, threads);
    });
}

}  // namespace nabi::bindings

PYBIND11_MODULE(_C, m) { nabi::bindings::fill_module(m); }
