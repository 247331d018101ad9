// SPDX-License-Identifier: Apache-2.0
#include "runtime/measure.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "runtime/parallel.h"

namespace nabi {
namespace {

double seconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class F>
double timed(int parts, const F& f) {
    const double start = seconds();
    run_parallel(
        parts, 1, [](void* context, int64_t begin, int64_t) { (*static_cast<const F*>(context))(begin); },
        const_cast<F*>(&f));
    return seconds() - start;
}

// The team has this size until the end of the scope.
struct Threads {
    const int before = get_num_threads();
    explicit Threads(int wanted) { set_num_threads(wanted); }
    ~Threads() { set_num_threads(before); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
};

// ---- peak: twelve chains x = x m + a, near 2 (aarch64's vectors: x = x + m a, which grows slowly) ----

using Chains = void (*)(int64_t iterations);

#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#if defined(__x86_64__)
#define CLOBBERS                                                                                               \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13", "cc"
#define CHAINS(name, type, load, zero, step, leave)                                                 \
    void name(int64_t iterations) {                                                                 \
        const type half = type(0.5), one = type(1);                                                 \
        __asm__ volatile(load("%1", "12") load("%2", "13")                                          \
                             TWELVE(zero) ".p2align 5\n1:\n" TWELVE(step) "dec %0\n jnz 1b\n" leave \
                         : "+r"(iterations)                                                         \
                         : "m"(half), "m"(one)                                                      \
                         : CLOBBERS);                                                               \
    }

#define ZERO_VEX(i) "vxorps %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n"
#define ZERO_SSE(i) "xorps %%xmm" #i ", %%xmm" #i "\n"
#define LOAD_ZMM_F(m, r) "vbroadcastss " m ", %%zmm" r "\n"
#define LOAD_ZMM_D(m, r) "vbroadcastsd " m ", %%zmm" r "\n"
#define LOAD_YMM_F(m, r) "vbroadcastss " m ", %%ymm" r "\n"
#define LOAD_YMM_D(m, r) "vbroadcastsd " m ", %%ymm" r "\n"
#define LOAD_XMM_F(m, r) "movss " m ", %%xmm" r "\n"
#define LOAD_XMM_D(m, r) "movsd " m ", %%xmm" r "\n"
#define ZMM_F(i) "vfmadd213ps %%zmm13, %%zmm12, %%zmm" #i "\n"
#define ZMM_D(i) "vfmadd213pd %%zmm13, %%zmm12, %%zmm" #i "\n"
#define YMM_F(i) "vfmadd213ps %%ymm13, %%ymm12, %%ymm" #i "\n"
#define YMM_D(i) "vfmadd213pd %%ymm13, %%ymm12, %%ymm" #i "\n"
#define FMA_F(i) "vfmadd213ss %%xmm13, %%xmm12, %%xmm" #i "\n"
#define FMA_D(i) "vfmadd213sd %%xmm13, %%xmm12, %%xmm" #i "\n"
#define SSE_F(i) "mulss %%xmm12, %%xmm" #i "\n addss %%xmm13, %%xmm" #i "\n"
#define SSE_D(i) "mulsd %%xmm12, %%xmm" #i "\n addsd %%xmm13, %%xmm" #i "\n"
CHAINS(zmm_float, float, LOAD_ZMM_F, ZERO_VEX, ZMM_F, "vzeroupper\n")
CHAINS(zmm_double, double, LOAD_ZMM_D, ZERO_VEX, ZMM_D, "vzeroupper\n")
CHAINS(ymm_float, float, LOAD_YMM_F, ZERO_VEX, YMM_F, "vzeroupper\n")
CHAINS(ymm_double, double, LOAD_YMM_D, ZERO_VEX, YMM_D, "vzeroupper\n")
CHAINS(fma_float, float, LOAD_XMM_F, ZERO_VEX, FMA_F, "vzeroupper\n")
CHAINS(fma_double, double, LOAD_XMM_D, ZERO_VEX, FMA_D, "vzeroupper\n")
CHAINS(sse_float, float, LOAD_XMM_F, ZERO_SSE, SSE_F, "")
CHAINS(sse_double, double, LOAD_XMM_D, ZERO_SSE, SSE_D, "")

Chains chains_of(Isa isa, bool is_double) {
    if (isa == Isa::avx512) return is_double ? zmm_double : zmm_float;
    if (isa == Isa::avx2) return is_double ? ymm_double : ymm_float;
    if (cpu_has(Isa::avx2)) return is_double ? fma_double : fma_float;
    return is_double ? sse_double : sse_float;
}
#else
#define CLOBBERS "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "cc"
#define CHAINS(name, load, step)                                                                         \
    void name(int64_t iterations) {                                                                      \
        __asm__ volatile(load TWELVE(ZERO) ".p2align 5\n1:\n" TWELVE(step) "subs %0, %0, #1\n b.ne 1b\n" \
                         : "+r"(iterations)                                                              \
                         :                                                                               \
                         : CLOBBERS);                                                                    \
    }
#define ZERO(i) "movi v" #i ".2d, #0\n"
#define VECTOR_F(i) "fmla v" #i ".4s, v12.4s, v13.4s\n"
#define VECTOR_D(i) "fmla v" #i ".2d, v12.2d, v13.2d\n"
#define SCALAR_F(i) "fmadd s" #i ", s" #i ", s12, s13\n"
#define SCALAR_D(i) "fmadd d" #i ", d" #i ", d12, d13\n"
CHAINS(vector_float, "fmov v12.4s, #0.5\n fmov v13.4s, #1.0\n", VECTOR_F)
CHAINS(vector_double, "fmov v12.2d, #0.5\n fmov v13.2d, #1.0\n", VECTOR_D)
CHAINS(scalar_float, "fmov s12, #0.5\n fmov s13, #1.0\n", SCALAR_F)
CHAINS(scalar_double, "fmov d12, #0.5\n fmov d13, #1.0\n", SCALAR_D)

Chains chains_of(Isa isa, bool is_double) {
    if (isa == Isa::neon) return is_double ? vector_double : vector_float;
    return is_double ? scalar_double : scalar_float;
}
#endif

int lanes_of(Isa isa, bool is_double) {
    const int bytes = isa == Isa::avx512 ? 64 : isa == Isa::avx2 ? 32 : isa == Isa::neon ? 16 : 0;
    return std::max(1, bytes / (is_double ? 8 : 4));
}

// ---- bandwidth ----

#define TRIAD_LOOP \
    for (size_t i = 0; i < n; ++i) c[i] = a[i] + 3.0f * b[i];

void triad_base(float* __restrict c, const float* __restrict a, const float* __restrict b, size_t n) { TRIAD_LOOP }
#if defined(__x86_64__)
__attribute__((target("avx2"))) void triad_avx2(float* __restrict c, const float* __restrict a,
                                                const float* __restrict b, size_t n) {
    TRIAD_LOOP
}
#endif

void triad(float* c, const float* a, const float* b, size_t n) {
#if defined(__x86_64__)
    if (cpu_has(Isa::avx2)) return triad_avx2(c, a, b, n);
#endif
    triad_base(c, a, b, n);
}

// Stores that go around the cache save reading the line that they replace: what memcpy does by itself only from a
// size that grows with the cache of the host.
void copy_around_cache(float* c, const float* a, size_t n) {
#if defined(__x86_64__)
    for (size_t i = 0; i < n; i += 4) _mm_stream_ps(c + i, _mm_load_ps(a + i));
    _mm_sfence();
#else
    std::memcpy(c, a, n * sizeof(float));
#endif
}

constexpr size_t LINE = 64;

size_t kilobytes_in(const char* path) {
    FILE* file = std::fopen(path, "re");
    if (file == nullptr) return 0;
    size_t number = 0;
    char suffix = 'K';
    if (std::fscanf(file, "%zu%c", &number, &suffix) < 1) number = 0;
    std::fclose(file);
    return suffix == 'M' ? number << 10 : number;
}

}  // namespace

double measure_peak_gflops(Isa isa, int threads, bool is_double) noexcept {
    if (!cpu_has(isa)) return 0;
    const Threads team(threads);
    const int parts = get_num_threads();
    const Chains chains = chains_of(isa, is_double);
    const auto run = [&](int64_t iterations) { return timed(parts, [&](int64_t) { chains(iterations); }); };
    // About 10 ms a run: the clock settles and the region's cost vanishes.
    int64_t iterations = 1000;
    run(iterations);
    // Found on this thread alone: a region may wait longer for a busy CPU than the arithmetic takes.
    const auto alone = [&] {
        const double start = seconds();
        chains(iterations);
        return seconds() - start;
    };
    while (std::min({alone(), alone(), alone()}) < 2e-3) iterations *= 2;
    iterations *= 5;
    double best = 1e30;
    for (int i = 0; i < 8; ++i) best = std::min(best, run(iterations));
    return 2.0 * 12 * lanes_of(isa, is_double) * parts * static_cast<double>(iterations) / best * 1e-9;
}

size_t last_level_cache_bytes() noexcept {
    size_t largest = 0;
    for (int index = 0; index < 8; ++index) {
        char path[96];
        std::snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
        largest = std::max(largest, kilobytes_in(path) << 10);
    }
    return largest > 0 ? largest : size_t{32} << 20;
}

size_t out_of_cache_bytes() noexcept {
    const long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const size_t free_bytes = pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : SIZE_MAX;
    return std::min({4 * last_level_cache_bytes(), size_t{2} << 30, free_bytes / 2});
}

double measure_bandwidth_gbs(size_t bytes, int threads) noexcept {
    if (bytes == 0) bytes = out_of_cache_bytes();
    const Threads team(threads);
    const auto parts = static_cast<size_t>(get_num_threads());
    // Each part owns one stretch of lines of each array. Memory comes from the system: it must not stay in the pool.
    const size_t stretch = std::max<size_t>(bytes / 6 / parts / LINE, 1) * LINE;
    const size_t half = 3 * stretch * parts, third = 2 * stretch * parts, reserved = 6 * stretch * parts;
    void* memory = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 0;
    madvise(memory, reserved, MADV_HUGEPAGE);
    char* base = static_cast<char*>(memory);
    const auto floats = [&](size_t offset) { return reinterpret_cast<float*>(base + offset); };

    const auto touch = [&](int64_t part) {
        std::memset(base + static_cast<size_t>(part) * 6 * stretch, 0, 6 * stretch);
    };
    int64_t passes = 1;
    const auto copy = [&](int64_t part) {
        const size_t at = static_cast<size_t>(part) * 3 * stretch;
        for (int64_t p = 0; p < passes; ++p) {
            std::memcpy(base + half + at, base + at, 3 * stretch);
            __asm__ volatile("" : : : "memory");
        }
    };
    const auto stream = [&](int64_t part) {
        const size_t at = static_cast<size_t>(part) * 3 * stretch;
        for (int64_t p = 0; p < passes; ++p)
            copy_around_cache(floats(half + at), floats(at), 3 * stretch / sizeof(float));
    };
    const auto add = [&](int64_t part) {
        const size_t at = static_cast<size_t>(part) * 2 * stretch;
        for (int64_t p = 0; p < passes; ++p) {
            triad(floats(2 * third + at), floats(at), floats(third + at), 2 * stretch / sizeof(float));
            __asm__ volatile("" : : : "memory");
        }
    };
    const int count = static_cast<int>(parts);
    timed(count, touch);
    const auto alone = [&] {
        const double start = seconds();
        copy(0);
        return seconds() - start;
    };
    while (std::min({alone(), alone(), alone()}) < 2e-3) passes *= 2;
    double best = 1e30;
    for (int i = 0; i < 5; ++i) best = std::min({best, timed(count, copy), timed(count, stream), timed(count, add)});
    munmap(memory, reserved);
    return static_cast<double>(reserved) * static_cast<double>(passes) / best * 1e-9;
}

}  // namespace nabi
