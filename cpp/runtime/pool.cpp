// SPDX-License-Identifier: Apache-2.0
// Where blocks live. Sizes are rounded up to a class, eight to a doubling.
//   small,  to 16 KB:  slabs of one 64 KB unit, many blocks of one class each
//   medium, to 1 MB:   runs of units, one block each, cut from 8 MB regions whose addresses are never given back
//   large:             a mapping each
// A block finds its header by its address: that of a slab or a run starts the unit in which the block starts, and a
// block that starts a unit is large and has its header just before itself (so that 4 MB of data take two huge pages,
// not three).
// A free small block goes back to its slab. Other free blocks, empty slabs included, are "warm": cached on a list for
// their class and in one queue by age, from which trim() takes the oldest. What is trimmed from runs stays as "cold"
// address space.
#include "runtime/pool.h"

#ifndef NABI_SANITIZE

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "runtime/environment.h"
#include "runtime/fork.h"

namespace nabi {
namespace {

constexpr size_t UNIT = size_t{1} << 16, REGION = size_t{1} << 23, HUGE_PAGE = size_t{1} << 21;
constexpr size_t LARGEST = size_t{1} << 46, HUGE_FROM = size_t{1} << 22;
constexpr int64_t CACHE_FLOOR = int64_t{64} << 20;
constexpr int64_t WINDOW = 8192;  // allocations: "recent" is this window and the one before
constexpr int SMALL_CLASSES = 48, MEDIUM_CLASSES = 96, CLASSES = 312, MAX_UNITS = 17;
constexpr int EMPTY_SLABS = 0;  // the list of warm empty slabs stands in a class that has no warm blocks of its own

struct FreeBlock {
    FreeBlock* next;
};

struct Header {
    uint16_t size_class;      // EMPTY_SLABS for a warm slab
    uint16_t units;           // 0 for a large block
    uint32_t capacity;        // blocks in a slab
    size_t size;              // bytes of one block
    Header *next, *previous;  // in the list of its class
    Header *older, *newer;    // in the queue of warm blocks
    FreeBlock* free;          // of a slab: blocks used before,
    uint32_t live;            // blocks given out,
    uint32_t carved;          // and blocks ever used, from its start
};
static_assert(sizeof(Header) == 64, "blocks behind a header start at a multiple of 64 bytes");

struct List {
    Header* first;
};

// Everything starts as zero bytes and has no destructor: usable before any constructor ran and after main.
struct Pool {
    std::atomic<bool> locked;
    List partial[SMALL_CLASSES];  // slabs with a free block
    List warm[CLASSES];
    Header *oldest, *newest;
    Header* cold[MAX_UNITS + 1];
    char *region, *region_end;
    int64_t allocated, allocated_big, slab_bytes, warm_bytes;
    int64_t window_peak, window_end;  // peak since the last fold; count of allocations at which it folds
    int64_t recent_peak, older_peak, peak;
    int64_t allocations, frees, misses, os_allocations, os_frees;
};
Pool pool;
[[maybe_unused]] const bool fork_safe = install_fork_handlers();
std::atomic<int> fill_nan{-1};

// A critical section is about 5 ns, or one page fault: shorter than putting a thread to sleep.
void lock() {
    for (int spins = 0; pool.locked.exchange(true, std::memory_order_acquire);) {
        while (pool.locked.load(std::memory_order_relaxed)) {
            if (++spins > 100) sched_yield();
        }
    }
}
void unlock() { pool.locked.store(false, std::memory_order_release); }

size_t page_size() {
    static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return size;
}

size_t round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// ---- size classes: 64, 128, ... 1024, then eight to a doubling ----

int class_of(size_t bytes) {
    if (bytes <= 1024) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) >> 6);
    const int exponent = 63 - __builtin_clzll(bytes - 1);
    return 16 + (exponent - 10) * 8 + static_cast<int>((bytes - 1) >> (exponent - 3)) - 8;
}

size_t size_of_class(int size_class) {
    if (size_class < 16) return static_cast<size_t>(size_class + 1) << 6;
    const int doubling = (size_class - 16) / 8, step = (size_class - 16) % 8;
    return static_cast<size_t>(step + 9) << (doubling + 7);
}

Header* header_of(const void* block) {
    const auto address = reinterpret_cast<uintptr_t>(block);
    const uintptr_t unit = address & ~(UNIT - 1);
    return reinterpret_cast<Header*>(address == unit ? address - sizeof(Header) : unit);
}

char* block_of(Header* header) { return reinterpret_cast<char*>(header + 1); }

// ---- lists; the lock is held ----

void link_into(List* list, Header* h) {
    h->previous = nullptr;
    h->next = list->first;
    if (h->next != nullptr) h->next->previous = h;
    list->first = h;
}

void unlink_from(List* list, Header* h) {
    (h->previous != nullptr ? h->previous->next : list->first) = h->next;
    if (h->next != nullptr) h->next->previous = h->previous;
}

int64_t warm_size(const Header* h) { return static_cast<int64_t>(h->size_class == EMPTY_SLABS ? UNIT : h->size); }

void push_warm(Header* h) {
    link_into(&pool.warm[h->size_class], h);
    h->newer = nullptr;
    h->older = pool.newest;
    (pool.newest != nullptr ? pool.newest->newer : pool.oldest) = h;
    pool.newest = h;
    pool.warm_bytes += warm_size(h);
}

void remove_warm(Header* h) {
    unlink_from(&pool.warm[h->size_class], h);
    (h->older != nullptr ? h->older->newer : pool.oldest) = h->newer;
    (h->newer != nullptr ? h->newer->older : pool.newest) = h->older;
    pool.warm_bytes -= warm_size(h);
}

Header* pop_warm(int size_class) {
    Header* h = pool.warm[size_class].first;
    if (h != nullptr) remove_warm(h);
    return h;
}

// ---- the operating system ----

char* map_memory(size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}

// Without the lock.
Header* map_large(int size_class) {
    const size_t size = size_of_class(size_class), before = page_size();
    const size_t alignment = std::max(size >= HUGE_FROM ? HUGE_PAGE : UNIT, before);
    const size_t reserved = before + round_up(size, before) + alignment;
    char* start = map_memory(reserved);
    if (start == nullptr) return nullptr;
    char* block = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(start) + before, alignment));
    char *used = block - before, *used_end = block + round_up(size, before), *end = start + reserved;
    if (used > start) munmap(start, static_cast<size_t>(used - start));
    if (end > used_end) munmap(used_end, static_cast<size_t>(end - used_end));
    if (size >= HUGE_FROM) madvise(block, size, MADV_HUGEPAGE);
    Header* h = reinterpret_cast<Header*>(block) - 1;
    h->size_class = static_cast<uint16_t>(size_class);
    h->units = 0;
    h->size = size;
    return h;
}

// Without the lock.
void unmap_large(Header* h) { munmap(block_of(h) - page_size(), page_size() + round_up(h->size, page_size())); }

void push_cold(Header* h, size_t units) {
    h->units = static_cast<uint16_t>(units);
    h->next = pool.cold[units];
    pool.cold[units] = h;
}

// With the lock. A fresh run is zero behind its header.
Header* take_run(size_t units, bool* fresh) {
    *fresh = false;
    if (Header* h = pool.cold[units]) {
        pool.cold[units] = h->next;
        return h;
    }
    if (static_cast<size_t>(pool.region_end - pool.region) < units * UNIT) {
        char* start = map_memory(REGION + UNIT);
        if (start == nullptr) return nullptr;
        ++pool.os_allocations;
        const size_t rest = static_cast<size_t>(pool.region_end - pool.region) / UNIT;
        if (rest > 0) push_cold(reinterpret_cast<Header*>(pool.region), rest);
        pool.region = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(start), UNIT));
        pool.region_end = pool.region + REGION;
    }
    *fresh = true;
    Header* h = reinterpret_cast<Header*>(pool.region);
    pool.region += units * UNIT;
    h->units = static_cast<uint16_t>(units);
    return h;
}

// ---- trimming ----

// With the lock: remembers the peak of this window in the longer ones.
void fold_peaks() {
    pool.peak = std::max(pool.peak, pool.window_peak);
    pool.recent_peak = std::max(pool.recent_peak, pool.window_peak);
    pool.window_peak = pool.allocated;
}

// With the lock.
int64_t cached_bytes() { return pool.warm_bytes + pool.slab_bytes - (pool.allocated - pool.allocated_big); }

int64_t cache_limit() { return std::max({CACHE_FLOOR, pool.window_peak, pool.recent_peak, pool.older_peak}); }

// Without the lock: gives the oldest warm blocks back until at most `limit` bytes are cached (negative: the running
// limit).
void trim(int64_t limit) {
    Header* victims = nullptr;
    lock();
    if (limit < 0) limit = cache_limit();
    while (cached_bytes() > limit && pool.oldest != nullptr) {
        Header* h = pool.oldest;
        remove_warm(h);
        h->next = victims;
        victims = h;
        ++pool.os_frees;
    }
    unlock();
    while (victims != nullptr) {
        Header* h = victims;
        victims = h->next;
        if (h->units == 0) {
            unmap_large(h);
            continue;
        }
        const size_t units = h->units, kept = page_size();
        if (units * UNIT > kept) {
            madvise(reinterpret_cast<char*>(h) + kept, units * UNIT - kept, MADV_DONTNEED);
        }
        lock();
        push_cold(h, units);
        unlock();
    }
}

// ---- counting; the lock is held ----

void count_free(int64_t size) {
    pool.allocated -= size;
    ++pool.frees;
}

void count_allocation(int64_t size) {
    pool.allocated += size;
    ++pool.allocations;
    if (pool.allocated > pool.window_peak) pool.window_peak = pool.allocated;
}

// At each free: whether the window of recent peaks moved on.
bool window_ends() {
    if (pool.allocations < pool.window_end) return false;
    pool.window_end = pool.allocations + WINDOW;
    fold_peaks();
    pool.older_peak = pool.recent_peak;
    pool.recent_peak = pool.allocated;
    return true;
}

// ---- small blocks ----

// With the lock: a slab with free blocks for a class that has none.
Header* new_slab(int size_class) {
    Header* slab = pop_warm(EMPTY_SLABS);
    if (slab == nullptr) {
        bool fresh;
        slab = take_run(1, &fresh);
        if (slab == nullptr) return nullptr;
    }
    slab->size_class = static_cast<uint16_t>(size_class);
    slab->size = size_of_class(size_class);
    slab->capacity = static_cast<uint32_t>((UNIT - sizeof(Header)) / slab->size);
    slab->free = nullptr;
    slab->live = slab->carved = 0;
    pool.slab_bytes += static_cast<int64_t>(UNIT);
    link_into(&pool.partial[size_class], slab);
    return slab;
}

void* allocate_small(int size_class) {
    lock();
    Header* slab = pool.partial[size_class].first;
    if (slab == nullptr && (slab = new_slab(size_class)) == nullptr) {
        unlock();
        return nullptr;
    }
    FreeBlock* block = slab->free;
    if (block != nullptr) {
        slab->free = block->next;
    } else {
        block = reinterpret_cast<FreeBlock*>(block_of(slab) + slab->carved++ * slab->size);
        ++pool.misses;
    }
    ++slab->live;
    if (slab->free == nullptr && slab->carved == slab->capacity) unlink_from(&pool.partial[size_class], slab);
    count_allocation(static_cast<int64_t>(slab->size));
    unlock();
    return block;
}

void free_small(Header* slab, void* memory) {
    lock();
    bool trims = window_ends();
    List* partial = &pool.partial[slab->size_class];
    if (slab->free == nullptr && slab->carved == slab->capacity) link_into(partial, slab);
    auto* block = static_cast<FreeBlock*>(memory);
    block->next = slab->free;
    slab->free = block;
    count_free(static_cast<int64_t>(slab->size));
    // A class keeps one empty slab, else a single block that comes and goes would retire one each time.
    if (--slab->live == 0 && (slab->next != nullptr || slab->previous != nullptr)) {
        unlink_from(partial, slab);
        pool.slab_bytes -= static_cast<int64_t>(UNIT);
        slab->size_class = EMPTY_SLABS;
        push_warm(slab);
        trims = trims || cached_bytes() > cache_limit();
    }
    unlock();
    if (trims) trim(-1);
}

// ---- medium and large blocks ----

void* allocate_big(int size_class, bool* fresh) {
    *fresh = false;
    const auto size = static_cast<int64_t>(size_of_class(size_class));
    lock();
    Header* h = pop_warm(size_class);
    if (h == nullptr && size_class < MEDIUM_CLASSES) {
        h = take_run((static_cast<size_t>(size) + sizeof(Header) + UNIT - 1) / UNIT, fresh);
        if (h != nullptr) {
            h->size_class = static_cast<uint16_t>(size_class);
            h->size = static_cast<size_t>(size);
            ++pool.misses;
        }
    } else if (h == nullptr) {
        unlock();
        h = map_large(size_class);
        *fresh = true;
        lock();
        if (h != nullptr) {
            ++pool.misses;
            ++pool.os_allocations;
        }
    }
    if (h != nullptr) {
        count_allocation(size);
        pool.allocated_big += size;
    }
    unlock();
    return h != nullptr ? block_of(h) : nullptr;
}

void free_big(Header* h) {
    const auto size = static_cast<int64_t>(h->size);
    lock();
    window_ends();
    count_free(size);
    pool.allocated_big -= size;
    push_warm(h);
    const bool trims = cached_bytes() > cache_limit();
    unlock();
    if (trims) trim(-1);
}

void* allocate(size_t bytes, bool* fresh) {
    *fresh = false;
    if (bytes > LARGEST) return nullptr;
    const int size_class = class_of(bytes);
    const auto attempt = [&] {
        return size_class < SMALL_CLASSES ? allocate_small(size_class) : allocate_big(size_class, fresh);
    };
    void* block = attempt();
    if (block == nullptr) {
        empty_cache();
        block = attempt();
    }
    return block;
}

}  // namespace

// ---- the face ----

void* pool_allocate(size_t bytes) noexcept {
    bool fresh;
    void* block = allocate(bytes, &fresh);
    const int fill = fill_nan.load(std::memory_order_relaxed);
    if (fill != 0) {
        if (fill < 0) set_fill_nan(environment().fill_nan == 1);
        // To the end of the block: what lies behind the bytes asked for is the tests' guard band.
        if (fill_nan.load(std::memory_order_relaxed) == 1 && block != nullptr) {
            std::memset(block, 0xff, pool_block_size(block));
        }
    }
    return block;
}

void* pool_allocate_zeroed(size_t bytes) noexcept {
    bool fresh;
    void* block = allocate(bytes, &fresh);
    if (block != nullptr && !fresh) std::memset(block, 0, bytes);
    return block;
}

void pool_free(void* block, size_t) noexcept {
    if (block == nullptr) return;
    Header* h = header_of(block);
    if (h->units == 1 && h->size_class < SMALL_CLASSES) {
        free_small(h, block);
    } else {
        free_big(h);
    }
}

size_t pool_block_size(const void* block) noexcept { return header_of(block)->size; }

void* pool_reallocate(void* block, size_t old_bytes, size_t new_bytes) noexcept {
    if (block == nullptr) return pool_allocate(new_bytes);
    const size_t size = pool_block_size(block);
    if (new_bytes <= LARGEST && size_of_class(class_of(new_bytes)) == size) return block;
    void* moved = pool_allocate(new_bytes);
    if (moved == nullptr) return nullptr;
    const size_t old = old_bytes == 0 ? size : std::min(old_bytes, size);
    std::memcpy(moved, block, std::min(old, new_bytes));
    pool_free(block, size);
    return moved;
}

MemoryStats memory_stats() noexcept {
    lock();
    MemoryStats stats;
    stats.allocated_bytes = pool.allocated;
    stats.peak_allocated_bytes = std::max(pool.peak, pool.window_peak);
    stats.cached_bytes = cached_bytes();
    stats.allocations = pool.allocations;
    stats.frees = pool.frees;
    stats.cache_hits = pool.allocations - pool.misses;
    stats.os_allocations = pool.os_allocations;
    stats.os_frees = pool.os_frees;
    unlock();
    return stats;
}

void empty_cache() noexcept { trim(0); }

void reset_peak_memory_stats() noexcept {
    lock();
    fold_peaks();
    pool.peak = pool.allocated;
    unlock();
}

void set_fill_nan(bool on) noexcept { fill_nan.store(on ? 1 : 0, std::memory_order_relaxed); }

void pool_before_fork() noexcept { lock(); }
void pool_after_fork() noexcept { unlock(); }

}  // namespace nabi

#endif
