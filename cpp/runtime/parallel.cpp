// SPDX-License-Identifier: Apache-2.0
#include "runtime/parallel.h"

#include <dlfcn.h>
#include <omp.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "runtime/cpu.h"
#include "runtime/environment.h"
#include "runtime/fork.h"

namespace nabi {
namespace {

std::atomic<int> chosen_threads{0};   // set by the user, 0 when not
std::atomic<int> default_threads{0};  // 0 until first asked
std::atomic<int64_t> grain_override{-1};
std::atomic<double> fork_cost{0};

std::atomic<int64_t> regions{0}, threaded_regions{0}, max_team{0}, open_regions{0};

// A fork waits for nobody: from forks_pending on, new regions run in line, so that open_regions can only fall.
std::atomic<int> forks_pending{0};
std::atomic<bool> single_for_life{false};

[[maybe_unused]] const bool fork_safe = install_fork_handlers();

thread_local bool inside_region = false;
thread_local bool has_team = false;  // this thread has started OpenMP threads that a fork would lose
thread_local bool fork_in_open_region = false;

// ---- rounding and denormal mode ----

#if defined(__x86_64__)
using FloatMode = unsigned int;
FloatMode float_mode() { return __builtin_ia32_stmxcsr() & ~0x3fu; }  // without the sticky exception flags
void set_float_mode(FloatMode mode) { __builtin_ia32_ldmxcsr(mode); }
#elif defined(__aarch64__)
using FloatMode = uint64_t;
FloatMode float_mode() {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
void set_float_mode(FloatMode mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
#error "nabi knows the floating-point mode register of x86-64 and aarch64 only"
#endif

// ---- one region ----

// Where part `index` of `parts` begins. Long ranges are cut at multiples of 64 items, so that every part starts on a
// cache line as the whole does.
int64_t part_begin(int64_t n, int64_t index, int64_t parts) {
    const int64_t size = n / parts, rest = n % parts;
    const int64_t begin = index * size + std::min(index, rest);
    return size >= 16384 && index < parts ? begin / 64 * 64 : begin;
}

// Returns the team's size.
int open_region(int64_t n, int threads, RangeFunction function, void* context) {
    const FloatMode mode = float_mode();
    int team = 1;
    has_team = true;
#pragma omp parallel num_threads(threads) default(none) shared(n, function, context, mode, team)
    {
        const int parts = omp_get_num_threads(), index = omp_get_thread_num();
        if (index == 0) team = parts;
        const int64_t begin = part_begin(n, index, parts), end = part_begin(n, index + 1, parts);
        const FloatMode own_mode = float_mode();
        set_float_mode(mode);
        inside_region = true;
        if (begin < end) function(context, begin, end);
        inside_region = false;
        set_float_mode(own_mode);
    }
    return team;
}

// Returns 0 where a fork is under way and no region may open.
int try_region(int64_t n, int threads, RangeFunction function, void* context) {
    // Each side writes its own counter, then reads the other's: at least one of the two sees the other.
    open_regions.fetch_add(1);
    int team = 0;
    if (forks_pending.load() == 0) team = open_region(n, threads, function, context);
    open_regions.fetch_sub(1);
    return team;
}

// Clang's libomp renews itself in the child, and version 14 aborts there if it was paused before.
bool runtime_needs_pause() {
    static const bool needs = [] {
        Dl_info info;
        if (dladdr(reinterpret_cast<void*>(&omp_pause_resource_all), &info) == 0 || info.dli_fname == nullptr) {
            return true;
        }
        const char* slash = std::strrchr(info.dli_fname, '/');
        const char* name = slash != nullptr ? slash + 1 : info.dli_fname;
        return std::strncmp(name, "libomp", 6) != 0 && std::strncmp(name, "libiomp", 7) != 0;
    }();
    return needs;
}

double seconds() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int max_allowed_threads() {
    static const int limit = std::max(64, 4 * usable_cpus());
    return limit;
}

}  // namespace

// ---- thread count ----

int get_num_threads() noexcept {
    if (single_for_life.load(std::memory_order_relaxed)) return 1;
    const int chosen = chosen_threads.load(std::memory_order_relaxed);
    if (chosen > 0) return chosen;
    int count = default_threads.load(std::memory_order_relaxed);
    if (count == 0) {
        count = std::max(1, std::min(usable_cpus(), omp_get_max_threads()));
        default_threads.store(count, std::memory_order_relaxed);
    }
    return count;
}

void set_num_threads(int n) noexcept {
    chosen_threads.store(std::clamp(n, 1, max_allowed_threads()), std::memory_order_relaxed);
}

// ---- running ----

namespace {
bool splits(int64_t n, int64_t grain) {
    int64_t forced = grain_override.load(std::memory_order_relaxed);
    if (forced < 0) {
        grain_override.compare_exchange_strong(forced, environment().grain);
        forced = grain_override.load(std::memory_order_relaxed);
    }
    if (forced > 0) grain = forced;
    return n > std::max<int64_t>(grain, 1) && !inside_region && !omp_in_parallel();
}
}  // namespace

int64_t parts_for(int64_t n, int64_t grain) noexcept { return splits(n, grain) ? get_num_threads() : 1; }

void run_parallel(int64_t n, int64_t grain, RangeFunction function, void* context) noexcept {
    if (n <= 0) return;
    if (!splits(n, grain)) return function(context, 0, n);

    regions.fetch_add(1, std::memory_order_relaxed);
    const int threads = get_num_threads();
    const int team = threads > 1 ? try_region(n, threads, function, context) : 0;
    if (team == 0) return function(context, 0, n);
    if (team > 1) threaded_regions.fetch_add(1, std::memory_order_relaxed);
    int64_t largest = max_team.load(std::memory_order_relaxed);
    while (team > largest && !max_team.compare_exchange_weak(largest, team)) {
    }
}

void set_grain_override(int64_t grain) noexcept {
    grain_override.store(std::max<int64_t>(grain, 0), std::memory_order_relaxed);
}

ParallelStats parallel_stats() noexcept {
    return {regions.load(), threaded_regions.load(), max_team.load(), open_regions.load()};
}

// ---- break-even ----

double fork_cost_seconds() noexcept {
    constexpr double UNKNOWN = 2e-6;
    double cost = fork_cost.load(std::memory_order_relaxed);
    if (cost > 0) return cost;
    const int threads = get_num_threads();
    if (threads == 1 || inside_region || omp_in_parallel()) return UNKNOWN;
    constexpr int WARM_UP = 3, TIMED = 11;
    double times[TIMED];
    for (int i = -WARM_UP; i < TIMED; ++i) {
        const double start = seconds();
        if (try_region(
                threads, threads, [](void*, int64_t, int64_t) {}, nullptr) == 0)
            return UNKNOWN;
        if (i >= 0) times[i] = seconds() - start;
    }
    std::nth_element(times, times + TIMED / 2, times + TIMED);
    // On a machine that is busy now a region may wait for its threads longer than any region costs later.
    cost = std::clamp(times[TIMED / 2], 1e-9, 200e-6);
    fork_cost.store(cost, std::memory_order_relaxed);
    return cost;
}

int64_t grain_for(double nanoseconds_per_item) noexcept {
    // Four fork costs: two threads then save at least one. The floor is for data that the other core has to fetch.
    const double work = 4e9 * std::max(fork_cost_seconds(), 2e-6);
    if (!(nanoseconds_per_item > 0)) return INT64_MAX;
    return static_cast<int64_t>(std::clamp(work / nanoseconds_per_item, 1.0, 1e18));
}

// ---- fork ----

void parallel_before_fork() noexcept {
    forks_pending.fetch_add(1);
    // In a nested call (a fork inside a region) the region that is open is this thread's own.
    fork_in_open_region = open_regions.load() != 0;
    // libgomp's threads don't exist in the child, and it would wait for them for ever. Each thread has its own team
    // there.
    if (!fork_in_open_region && has_team && runtime_needs_pause()) {
        fork_in_open_region = omp_pause_resource_all(omp_pause_hard) != 0;
        has_team = false;
    }
}

void parallel_after_fork(bool in_child) noexcept {
    if (!in_child) {
        forks_pending.fetch_sub(1);
        return;
    }
    forks_pending.store(0);
    open_regions.store(0);
    if (fork_in_open_region) {
        single_for_life.store(true);
        has_team = false;  // there is nothing left to pause if this child forks
    }
}

}  // namespace nabi
