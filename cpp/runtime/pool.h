// SPDX-License-Identifier: Apache-2.0
// The buffer pool: fresh pages cost more than arithmetic, so blocks that die are kept for the next array. Blocks are
// 64-byte aligned. Thread-safe, fork-safe, never destroyed at exit (arrays may die after main).
#pragma once

#include <cstddef>
#include <cstdint>

namespace nabi {

// nullptr when memory is exhausted. Zero bytes give a valid block.
void* pool_allocate(size_t bytes) noexcept;
void* pool_allocate_zeroed(size_t bytes) noexcept;

// nullptr is allowed. `bytes` is not trusted (numpy frees some empty arrays with another size): a block knows its own
// size.
void pool_free(void* block, size_t bytes) noexcept;

// Keeps min(old_bytes, new_bytes) bytes; old_bytes 0 means all of the block (numpy does not say). On failure:
// nullptr, and the old block stays valid.
void* pool_reallocate(void* block, size_t old_bytes, size_t new_bytes) noexcept;

// Bytes that may be used at a block that the pool gave out.
size_t pool_block_size(const void* block) noexcept;

// Byte counts are in size classes (at most 1/8 above what was asked).
struct MemoryStats {
    int64_t allocated_bytes;       // live now
    int64_t peak_allocated_bytes;  // most live since start or reset_peak_memory_stats()
    int64_t cached_bytes;          // free, kept for reuse
    int64_t allocations;           // calls that gave a block
    int64_t frees;                 // blocks given back
    int64_t cache_hits;            // allocations served by a block used before
    int64_t os_allocations;        // mappings asked from the operating system
    int64_t os_frees;              // blocks whose memory went back to the operating system
};
MemoryStats memory_stats() noexcept;

// Gives free memory back to the operating system.
void empty_cache() noexcept;
void reset_peak_memory_stats() noexcept;

// Fills every block that is not asked to be zeroed with 0xff bytes, a NaN in every float type, so that a kernel that
// forgets an output is seen. Starts as NABI_FILL_NAN=1, or on under NABI_SANITIZE.
void set_fill_nan(bool on) noexcept;

}  // namespace nabi
