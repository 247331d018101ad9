// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, measured in the process whose kernels are judged by it: on shared machines only
// ratios within a run can be trusted.
#pragma once

#include <cstddef>

#include "runtime/cpu.h"

namespace nabi {

// Best of 8 runs of 12 independent multiply-add chains per thread, at the set's full width (12 cover the latency of 4
// cycles times 2 or 3 units). 0 where the CPU lacks the set.
double measure_peak_gflops(Isa isa, int threads, bool is_double) noexcept;

// The better of copy (c = a, with stores through and around the cache) and triad (c = a + s b) over `bytes` of arrays
// in all, best of 5; each array counts once a pass.
// 0 bytes mean out_of_cache_bytes(). 0 where there is no memory for it.
double measure_bandwidth_gbs(size_t bytes, int threads) noexcept;

// The largest cache that the system reports, or 32 MB.
size_t last_level_cache_bytes() noexcept;

// 4 x the last level cache, at most 2 GB and half of the free memory: virtual machines report the cache of the whole
// host.
size_t out_of_cache_bytes() noexcept;

}  // namespace nabi
