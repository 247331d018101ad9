// SPDX-License-Identifier: Apache-2.0
// Work over threads. A region has one thread or all of nabi's, never between: libgomp destroys and recreates its
// threads when the team size changes. Threads divide outputs, never a sum, so the count never changes a bit.
#pragma once

#include <cstdint>

namespace nabi {

// The user's count if set, else min(affinity, cgroup quota, omp_get_max_threads()); 1 for life in a child that was
// forked while a region was open.
int get_num_threads() noexcept;

// At least 1, at most max(64, 4 x usable CPUs): OpenMP ends the process when it cannot create a thread.
void set_num_threads(int n) noexcept;

using RangeFunction = void (*)(void* context, int64_t begin, int64_t end);

// Calls function(context, begin, end) on contiguous near-equal parts of [0, n), at most one part a thread. In line when
// n <= grain, with one thread, or inside a region. Each thread computes in the caller's rounding and denormal mode.
// The function must not throw.
void run_parallel(int64_t n, int64_t grain, RangeFunction function, void* context) noexcept;

// Replaces every grain when positive (tests: 1 splits from two items); 0 gives the grains back. Starts as NABI_GRAIN.
void set_grain_override(int64_t grain) noexcept;

// Seconds that an empty region costs with get_num_threads() threads, measured once.
double fork_cost_seconds() noexcept;

// 1 where a loop over n items with this grain would run in line, else the number of threads: for work that is divided by
// hand, as run_parallel(parts, 1, ...).
int64_t parts_for(int64_t n, int64_t grain) noexcept;

// The grain for items that take this many nanoseconds each: work below a few fork costs stays on one thread.
int64_t grain_for(double nanoseconds_per_item) noexcept;

// regions: calls of run_parallel that asked to be split (n > grain, not nested); threaded_regions: those that ran on
// more than one thread; max_team: the largest team so far; open_regions: running now.
struct ParallelStats {
    int64_t regions;
    int64_t threaded_regions;
    int64_t max_team;
    int64_t open_regions;
};
ParallelStats parallel_stats() noexcept;

}  // namespace nabi

#ifdef NABI_SET
namespace nabi::NABI_SET {

// parallel_for(n, grain, [&](int64_t begin, int64_t end) {...}); the lambda must not throw.
template <class F>
void parallel_for(int64_t n, int64_t grain, const F& f) noexcept {
    run_parallel(
        n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
        const_cast<F*>(&f));
}

}  // namespace nabi::NABI_SET
#endif
