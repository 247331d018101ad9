// SPDX-License-Identifier: Apache-2.0
// Self-test of the buffer pool.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/pool.h"
#include "tests/check.h"

using namespace nabi;

namespace {

void test_pool_sizes() {
    std::vector<size_t> sizes = {0, 1, 7, 63, 64, 65, 127, 128, 1023, 1024, 1025};
    for (size_t power = 2048; power <= size_t{1} << 25; power *= 2) {
        for (size_t bytes : {power - 1, power, power + 1, power / 8 * 9, power / 8 * 9 + 1}) sizes.push_back(bytes);
    }
    for (int round = 0; round < 2; ++round) {
        std::vector<std::pair<unsigned char*, size_t>> live;
        for (size_t bytes : sizes) {
            auto* block = static_cast<unsigned char*>(pool_allocate(bytes));
            CHECK(block != nullptr && reinterpret_cast<uintptr_t>(block) % 64 == 0);
            CHECK(pool_block_size(block) >= bytes);
#ifndef NABI_SANITIZE
            CHECK(pool_block_size(block) <= (bytes <= 1024 ? bytes + 64 : bytes + bytes / 8));
            CHECK(bytes < 4 << 20 || reinterpret_cast<uintptr_t>(block) % (2 << 20) == 0);
#endif
            std::memset(block, static_cast<int>(live.size() & 0xff), bytes);
            live.emplace_back(block, bytes);
        }
        for (size_t i = 0; i < live.size(); ++i) {  // nobody wrote into a neighbour
            for (size_t at : {size_t{0}, live[i].second / 2, live[i].second - 1}) {
                if (at < live[i].second) CHECK(live[i].first[at] == (i & 0xff));
            }
        }
        for (auto& [block, bytes] : live) pool_free(block, round == 0 ? bytes : 1);  // the size is not trusted
    }
    pool_free(nullptr, 10);
    CHECK(memory_stats().allocated_bytes == 0);
}

void test_pool_limits() {
    CHECK(pool_allocate(SIZE_MAX) == nullptr && pool_allocate(SIZE_MAX / 2) == nullptr);
    CHECK(pool_allocate_zeroed(SIZE_MAX - 63) == nullptr);
#ifndef NABI_SANITIZE
    CHECK(pool_allocate(size_t{1} << 47) == nullptr);
#endif
    auto* block = static_cast<unsigned char*>(pool_allocate(100));
    block[99] = 7;
    CHECK(pool_reallocate(block, 100, SIZE_MAX) == nullptr && block[99] == 7);
    pool_free(block, 100);
}

void test_pool_reallocate() {
    auto* block = static_cast<unsigned char*>(pool_reallocate(nullptr, 0, 10));
    for (unsigned char i = 0; i < 10; ++i) block[i] = i;
    for (size_t bytes : {100u, 1000u, 100000u, 5000000u, 70u, 10u}) {
        block = static_cast<unsigned char*>(pool_reallocate(block, bytes % 3 == 0 ? 0 : 10, bytes));
        CHECK(block != nullptr && pool_block_size(block) >= bytes);
        for (unsigned char i = 0; i < 10; ++i) CHECK(block[i] == i);
    }
    pool_free(block, 10);
    CHECK(memory_stats().allocated_bytes == 0);
}

void test_pool_fill() {
    for (size_t bytes : {40u, 4000u, 40000u, 3000000u, 9000000u}) {
        set_fill_nan(true);
        auto* block = static_cast<unsigned char*>(pool_allocate(bytes));
        for (size_t i = 0; i < bytes; ++i) CHECK(block[i] == 0xff);
        pool_free(block, bytes);
        for (int round = 0; round < 2; ++round) {  // zeroed from the cache, and from the operating system
            block = static_cast<unsigned char*>(pool_allocate_zeroed(bytes));
            for (size_t i = 0; i < bytes; ++i) CHECK(block[i] == 0);
            std::memset(block, 1, bytes);
            pool_free(block, bytes);
            empty_cache();
        }
        set_fill_nan(false);
    }
}

#ifndef NABI_SANITIZE
void test_pool_cache() {
    constexpr size_t MB = size_t{1} << 20;
    empty_cache();
    reset_peak_memory_stats();
    MemoryStats before = memory_stats();
    void* first = pool_allocate(16 * MB);
    pool_free(first, 16 * MB);
    CHECK(pool_allocate(16 * MB) == first);  // the block that just died
    MemoryStats after = memory_stats();
    CHECK(after.cache_hits == before.cache_hits + 1 && after.allocations == before.allocations + 2);
    CHECK(after.os_allocations == before.os_allocations + 1);
    CHECK(after.allocated_bytes == static_cast<int64_t>(16 * MB) &&
          after.peak_allocated_bytes == static_cast<int64_t>(16 * MB));
    pool_free(first, 16 * MB);
    CHECK(memory_stats().cached_bytes >= static_cast<int64_t>(16 * MB));
    empty_cache();
    after = memory_stats();
    CHECK(after.cached_bytes < static_cast<int64_t>(4 * MB) && after.allocated_bytes == 0 && after.os_frees > 0);

    // 300 MB live make a cache of 300 MB right; later, when 1 MB is live, 64 MB.
    std::vector<void*> blocks;
    for (int i = 0; i < 300; ++i) blocks.push_back(pool_allocate(MB));
    for (void* block : blocks) pool_free(block, MB);
    CHECK(memory_stats().cached_bytes >= static_cast<int64_t>(250 * MB));
    void* other = pool_allocate(200 * MB);  // a different class: the old ones make room when it dies
    pool_free(other, 200 * MB);
    CHECK(memory_stats().cached_bytes <= static_cast<int64_t>(301 * MB));
    for (int i = 0; i < 20000; ++i) pool_free(pool_allocate(MB), MB);
    CHECK(memory_stats().cached_bytes <= static_cast<int64_t>(65 * MB));
    empty_cache();

    // The same for many small blocks: their slabs come back.
    blocks.clear();
    for (int i = 0; i < 1000000; ++i) blocks.push_back(pool_allocate(128));
    CHECK(memory_stats().allocated_bytes == 128000000);
    for (void* block : blocks) pool_free(block, 128);
    empty_cache();
    CHECK(memory_stats().cached_bytes < static_cast<int64_t>(4 * MB) && memory_stats().allocated_bytes == 0);
}

void test_pool_speed() {
    double best = 1e9;
    for (int round = 0; round < 20; ++round) {
        const double start = seconds_now();
        for (int i = 0; i < 20000; ++i) pool_free(pool_allocate(1000), 1000);
        best = std::min(best, (seconds_now() - start) / 20000);
    }
    std::printf("pool: small pair %.1f ns", best * 1e9);
    for (size_t bytes : {100000u, 16u << 20}) {
        best = 1e9;
        for (int round = 0; round < 20; ++round) {
            const double start = seconds_now();
            for (int i = 0; i < 1000; ++i) pool_free(pool_allocate(bytes), bytes);
            best = std::min(best, (seconds_now() - start) / 1000);
        }
        std::printf(", %zu KB pair %.1f ns", bytes >> 10, best * 1e9);
    }
    std::printf("\n");
}
#endif

void test_pool_threads() {
    std::vector<std::thread> threads;
    std::vector<std::atomic<unsigned char*>> mailbox(64);
    for (auto& slot : mailbox) slot = nullptr;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            uint32_t state = t * 77 + 1;
            for (int i = 0; i < 20000; ++i) {
                state = state * 1664525 + 1013904223;
                const size_t bytes = size_t{1} << (state >> 28);
                auto* block = static_cast<unsigned char*>(pool_allocate(state >> 27 & 1 ? bytes : bytes * 40));
                CHECK(block != nullptr);
                block[0] = block[bytes - 1] = static_cast<unsigned char>(t);
                CHECK(block[0] == t && block[bytes - 1] == t);
                // Blocks die on another thread than they were born on.
                if (auto* old = mailbox[state >> 8 & 63].exchange(block)) pool_free(old, 1);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    for (auto& slot : mailbox) pool_free(slot, 1);
    CHECK(memory_stats().allocated_bytes == 0);
    CHECK(memory_stats().allocations == memory_stats().frees);
}

}  // namespace

int main(int argc, char** argv) {
    const Test tests[] = {
#ifndef NABI_SANITIZE
        // first: it watches the recent peak
        {"cache", test_pool_cache}, {"speed", test_pool_speed},
#endif
        {"sizes", test_pool_sizes}, {"limits", test_pool_limits},   {"reallocate", test_pool_reallocate},
        {"fill", test_pool_fill},   {"threads", test_pool_threads},
    };
    return run_tests(tests, argc, argv);
}
