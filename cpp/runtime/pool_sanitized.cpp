// SPDX-License-Identifier: Apache-2.0
// The pool of a sanitizer build: every block straight from malloc in its exact size, so that the sanitizer sees each
// byte that is read or written outside it, and after its death.
#include "runtime/pool.h"

#ifdef NABI_SANITIZE

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "runtime/environment.h"
#include "runtime/fork.h"

namespace nabi {
namespace {

std::atomic<int64_t> allocated{0}, peak{0}, allocations{0}, frees{0};
std::atomic<int> fill_nan{-1};

constexpr size_t LARGEST = size_t{1} << 46;

// gcc 12's address sanitizer doesn't hold its allocator's locks over a fork: a child hung on one that another thread
// had.
std::mutex allocator;
[[maybe_unused]] const bool fork_safe = install_fork_handlers();

void* allocate(size_t bytes) {
    void* block = nullptr;
    const std::lock_guard<std::mutex> lock(allocator);
    if (bytes > LARGEST || posix_memalign(&block, 64, std::max<size_t>(bytes, 1)) != 0) return nullptr;
    ++allocations;
    const int64_t live = allocated += static_cast<int64_t>(malloc_usable_size(block));
    int64_t highest = peak.load();
    while (live > highest && !peak.compare_exchange_weak(highest, live)) {
    }
    return block;
}

}  // namespace

void* pool_allocate(size_t bytes) noexcept {
    void* block = allocate(bytes);
    if (fill_nan.load() < 0) set_fill_nan(environment().fill_nan != 0);
    if (block != nullptr && fill_nan.load() == 1) std::memset(block, 0xff, bytes);
    return block;
}

void* pool_allocate_zeroed(size_t bytes) noexcept {
    void* block = allocate(bytes);
    if (block != nullptr) std::memset(block, 0, bytes);
    return block;
}

void pool_free(void* block, size_t) noexcept {
    if (block == nullptr) return;
    const std::lock_guard<std::mutex> lock(allocator);
    allocated -= static_cast<int64_t>(malloc_usable_size(block));
    ++frees;
    std::free(block);
}

size_t pool_block_size(const void* block) noexcept { return malloc_usable_size(const_cast<void*>(block)); }

void* pool_reallocate(void* block, size_t old_bytes, size_t new_bytes) noexcept {
    if (block == nullptr) return pool_allocate(new_bytes);
    void* moved = pool_allocate(new_bytes);
    if (moved == nullptr) return nullptr;
    const size_t size = pool_block_size(block), old = old_bytes == 0 ? size : std::min(old_bytes, size);
    std::memcpy(moved, block, std::min(old, new_bytes));
    pool_free(block, size);
    return moved;
}

MemoryStats memory_stats() noexcept {
    MemoryStats stats = {};
    stats.allocated_bytes = allocated.load();
    stats.peak_allocated_bytes = peak.load();
    stats.allocations = allocations.load();
    stats.frees = frees.load();
    stats.os_allocations = stats.allocations;
    stats.os_frees = stats.frees;
    return stats;
}

void empty_cache() noexcept {}
void reset_peak_memory_stats() noexcept { peak.store(allocated.load()); }
void set_fill_nan(bool on) noexcept { fill_nan.store(on ? 1 : 0); }

void pool_before_fork() noexcept { allocator.lock(); }
void pool_after_fork() noexcept { allocator.unlock(); }

}  // namespace nabi

#endif
