// SPDX-License-Identifier: Apache-2.0
// Self-test of runtime/ without Python: `runtime_test` prints what it found and exits with 1 after the first failure;
// `runtime_test pool` runs the tests whose names begin so.
// Under thread sanitizer (clang, libomp, TSAN_OPTIONS=ignore_noninstrumented_modules=1) run all but `fork`: LLVM 14's Archer,
// which explains OpenMP to the sanitizer, crashes in a child that another thread than the first forked.
#include <fenv.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/cpu.h"
#include "runtime/environment.h"
#include "runtime/fork.h"
#include "runtime/parallel.h"
#include "runtime/pool.h"
#include "runtime/status.h"

using namespace nabi;

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            std::printf("FAILED %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::fflush(stdout);                                               \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

namespace {

template <class F>
void split(int64_t n, int64_t grain, const F& f) {
    run_parallel(
        n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
        const_cast<F*>(&f));
}

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// ---- cpu ----

void write_file(const std::string& path, const char* text) {
    for (size_t at = 1; (at = path.find('/', at)) != std::string::npos; ++at) mkdir(path.substr(0, at).c_str(), 0700);
    FILE* file = std::fopen(path.c_str(), "w");
    CHECK(file != nullptr);
    std::fputs(text, file);
    std::fclose(file);
}

void test_cpu() {
    CHECK(cpu_has(Isa::scalar));
    CHECK(!cpu_has(Isa::avx512) || cpu_has(Isa::avx2));
    CHECK(!(cpu_has(Isa::avx2) && cpu_has(Isa::neon)));
#if defined(__aarch64__)
    CHECK(cpu_has(Isa::neon) && !cpu_has(Isa::avx2));
#else
    CHECK(cpu_has(Isa::avx2) == (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
    CHECK(cpu_has(Isa::avx512) == (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")));
#endif
    for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
        CHECK(std::strlen(isa_name(isa)) > 3 && std::strlen(isa_description(isa)) > 10);
        std::printf("cpu: %-6s %s (%s)\n", isa_name(isa), cpu_has(isa) ? "yes" : "no", isa_description(isa));
    }
    CHECK(usable_cpus() >= 1);
    std::printf("cpu: usable %d, cgroup quota %g\n", usable_cpus(), cgroup_cpu_quota(""));
}

void test_cgroup() {
    char folder[] = "/tmp/nabi_cgroup_XXXXXX";
    CHECK(mkdtemp(folder) != nullptr);
    const std::string root = folder;
    const std::string v2 = root + "/sys/fs/cgroup", v1 = root + "/sys/fs/cgroup/cpu";
    CHECK(cgroup_cpu_quota((root + "/missing").c_str()) == 0);

    write_file(root + "/proc/self/cgroup", "0::/a/b\n");
    CHECK(cgroup_cpu_quota(folder) == 0);
    write_file(v2 + "/a/b/cpu.max", "max 100000\n");
    CHECK(cgroup_cpu_quota(folder) == 0);
    write_file(v2 + "/a/cpu.max", "150000 100000\n");
    CHECK(cgroup_cpu_quota(folder) == 1.5);  // an ancestor's limit binds
    write_file(v2 + "/a/b/cpu.max", "50000 100000\n");
    CHECK(cgroup_cpu_quota(folder) == 0.5);
    write_file(root + "/proc/self/cgroup", "0::/\n");
    CHECK(cgroup_cpu_quota(folder) == 0);
    write_file(v2 + "/cpu.max", "300000 100000\n");
    CHECK(cgroup_cpu_quota(folder) == 3);
    write_file(root + "/proc/self/cgroup", "0::/../../elsewhere\n");  // a group outside of what is mounted here
    CHECK(cgroup_cpu_quota(folder) == 3);

    write_file(root + "/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/job/1\n");
    CHECK(cgroup_cpu_quota(folder) == 0);
    write_file(v1 + "/job/1/cpu.cfs_quota_us", "-1\n");
    write_file(v1 + "/job/1/cpu.cfs_period_us", "100000\n");
    CHECK(cgroup_cpu_quota(folder) == 0);
    write_file(v1 + "/cpu.cfs_quota_us", "400000\n");
    write_file(v1 + "/cpu.cfs_period_us", "200000\n");
    CHECK(cgroup_cpu_quota(folder) == 2);
    CHECK(std::system(("rm -r " + root).c_str()) == 0);
}

// ---- parallel ----

void test_coverage() {
    for (int threads : {1, 2, 3, 7}) {
        set_num_threads(threads);
        CHECK(get_num_threads() == threads);
        for (int64_t n : {0, 1, 2, 3, 6, 7, 8, 63, 1000, 16384 * 7 + 5, 300001}) {
            std::vector<unsigned char> seen(static_cast<size_t>(n), 0);
            std::atomic<int> parts{0};
            const ParallelStats before = parallel_stats();
            split(n, 1, [&](int64_t begin, int64_t end) {
                CHECK(0 <= begin && begin < end && end <= n);
                ++parts;
                for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
            });
            for (unsigned char count : seen) CHECK(count == 1);
            const ParallelStats after = parallel_stats();
            CHECK(after.open_regions == 0);
            CHECK(parts.load() == (n < threads ? n : threads));
            CHECK(after.regions - before.regions == (n > 1 ? 1 : 0));
            CHECK(after.threaded_regions - before.threaded_regions == (n > 1 && threads > 1 ? 1 : 0));
        }
    }
    CHECK(parallel_stats().max_team == 7);
}

void test_equal_parts() {
    set_num_threads(7);
    for (int64_t n : {7, 100, 100000, 1 << 20}) {
        std::atomic<int64_t> shortest{n}, longest{0};
        split(n, 1, [&](int64_t begin, int64_t end) {
            const int64_t size = end - begin;
            for (int64_t old = shortest; size < old && !shortest.compare_exchange_weak(old, size);) {
            }
            for (int64_t old = longest; size > old && !longest.compare_exchange_weak(old, size);) {
            }
        });
        const int64_t slack = n / 7 >= 16384 ? 128 : 1;
        CHECK(longest - shortest <= slack);
    }
}

void test_grain() {
    set_num_threads(2);
    const auto threaded = [](int64_t n, int64_t grain) {
        const int64_t before = parallel_stats().threaded_regions;
        split(n, grain, [](int64_t, int64_t) {});
        return parallel_stats().threaded_regions != before;
    };
    CHECK(!threaded(100, 100) && threaded(101, 100));
    set_grain_override(1);
    CHECK(threaded(2, 1 << 30) && !threaded(1, 1 << 30));
    set_grain_override(0);
    CHECK(!threaded(2, 1 << 30));
    CHECK(threaded(2, 0) && threaded(2, -5));

    const double cost = fork_cost_seconds();
    CHECK(cost > 0 && cost < 1 && cost == fork_cost_seconds());
    CHECK(grain_for(1.0) >= 8000 && grain_for(0.001) > grain_for(1.0) && grain_for(1e18) == 1);
    CHECK(grain_for(0) == INT64_MAX && grain_for(-1) == INT64_MAX && grain_for(NAN) == INT64_MAX);
    CHECK(grain_for(1e-300) > int64_t{1} << 50);
    std::printf("parallel: region costs %.2f us with 2 threads, grain at 1 ns %lld\n", cost * 1e6,
                static_cast<long long>(grain_for(1.0)));
    set_num_threads(-3);
    CHECK(get_num_threads() == 1);
    set_num_threads(1 << 30);
    CHECK(get_num_threads() >= 64 && get_num_threads() < 1 << 20);
    set_num_threads(2);
}

void test_nested() {
    set_num_threads(3);
    std::atomic<int64_t> inner{0}, calls{0};
    const int64_t before = parallel_stats().regions;
    split(3, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
            split(10, 1, [&](int64_t b, int64_t e) {
                ++calls;
                inner += e - b;
            });
        }
        CHECK(fork_cost_seconds() > 0 && grain_for(1.0) > 0);
    });
    CHECK(inner == 30 && calls == 3);
    CHECK(parallel_stats().regions == before + 1);
}

// Two Python threads without the GIL: each has its own team.
void test_two_callers() {
    set_num_threads(2);
    std::atomic<int64_t> sum{0};
    std::vector<std::thread> callers;
    for (int c = 0; c < 3; ++c) {
        callers.emplace_back([&] {
            for (int i = 0; i < 200; ++i) split(100, 1, [&](int64_t b, int64_t e) { sum += e - b; });
        });
    }
    for (auto& caller : callers) caller.join();
    CHECK(sum == 3 * 200 * 100);
}

// Rounding mode and flush-to-zero of the caller hold on every thread, and the workers get their own back.
float third() {
    volatile float one = 1.0f, three = 3.0f;
    return one / three;
}
float halved_denormal() {
    volatile float smallest = 1.17549435e-38f, half = 0.5f;
    return smallest * half;
}
#if defined(__x86_64__)
void set_flush_to_zero(bool on) { __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~0x8000u) | (on ? 0x8000u : 0)); }
#else
void set_flush_to_zero(bool on) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    mode = (mode & ~(uint64_t{1} << 24)) | (on ? uint64_t{1} << 24 : 0);
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#endif

void test_float_mode() {
    set_num_threads(4);
    const float nearest = third(), denormal = halved_denormal();
    CHECK(denormal > 0);
    const auto collect = [](float (*f)()) {
        std::vector<float> values(4);
        split(4, 1, [&](int64_t b, int64_t e) {
            for (int64_t i = b; i < e; ++i) values[static_cast<size_t>(i)] = f();
        });
        return values;
    };
    collect(third);  // the workers exist before the mode changes
    fesetround(FE_DOWNWARD);
    const float down = third();
    CHECK(down < nearest);
    for (float value : collect(third)) CHECK(value == down);
    CHECK(fegetround() == FE_DOWNWARD);
    fesetround(FE_TONEAREST);
    for (float value : collect(third)) CHECK(value == nearest);
    set_flush_to_zero(true);
    for (float value : collect(halved_denormal)) CHECK(value == 0);
    CHECK(halved_denormal() == 0);
    set_flush_to_zero(false);
    for (float value : collect(halved_denormal)) CHECK(value == denormal);
}

// ---- fork ----

int64_t threaded_sum(int64_t* teams) {
    const int64_t before = parallel_stats().threaded_regions;
    std::atomic<int64_t> sum{0};
    split(1000, 1, [&](int64_t b, int64_t e) { sum += e - b; });
    *teams = parallel_stats().threaded_regions - before;
    return sum;
}

// Runs body in a forked child and says how the child ended; a hang ends by alarm.
template <class F>
int in_child(const F& body) {
    std::fflush(stdout);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        body();
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

void test_fork_after_region() {
    set_num_threads(2);
    int64_t teams;
    for (int round = 0; round < 3; ++round) {
        CHECK(threaded_sum(&teams) == 1000 && teams == 1);
        CHECK(in_child([&] {
                  CHECK(threaded_sum(&teams) == 1000 && teams == 1);
                  CHECK(get_num_threads() == 2);
                  // The child may fork in its turn.
                  CHECK(in_child([&] { CHECK(threaded_sum(&teams) == 1000 && teams == 1); }) == 0);
                  CHECK(threaded_sum(&teams) == 1000 && teams == 1);
              }) == 0);
    }
    CHECK(threaded_sum(&teams) == 1000 && teams == 1);
}

void test_fork_from_other_thread() {
    set_num_threads(2);
    int64_t teams;
    CHECK(threaded_sum(&teams) == 1000);
    std::thread([&] {
        CHECK(in_child([&] { CHECK(threaded_sum(&teams) == 1000 && teams == 1); }) == 0);
        CHECK(threaded_sum(&teams) == 1000 && teams == 1);
        CHECK(in_child([&] { CHECK(threaded_sum(&teams) == 1000 && teams == 1); }) == 0);
    }).join();
}

void test_fork_during_region() {
    set_num_threads(2);
    std::atomic<bool> inside{false}, leave{false};
    std::thread busy([&] {
        split(2, 1, [&](int64_t, int64_t) {
            inside = true;
            while (!leave) std::this_thread::yield();
        });
    });
    while (!inside) std::this_thread::yield();
    CHECK(parallel_stats().open_regions == 1);
    int64_t teams;
    CHECK(in_child([&] {
              CHECK(get_num_threads() == 1);
              CHECK(threaded_sum(&teams) == 1000 && teams == 0);
              set_num_threads(2);
              CHECK(get_num_threads() == 1);
              CHECK(parallel_stats().open_regions == 0);
              CHECK(in_child([&] { CHECK(get_num_threads() == 1); }) == 0);
          }) == 0);
    leave = true;
    busy.join();
    CHECK(get_num_threads() == 2);
    CHECK(threaded_sum(&teams) == 1000 && teams == 1);
    CHECK(in_child([&] { CHECK(threaded_sum(&teams) == 1000 && teams == 1); }) == 0);
}

std::atomic<bool> held{false};

// Regions, blocks and forks at once: no child may hang on a lock or a team that it does not have.
void test_fork_storm() {
    set_num_threads(2);
    std::atomic<bool> stop{false};
    std::vector<std::thread> others;
    for (int t = 0; t < 2; ++t) {
        others.emplace_back([&] {
            int64_t teams;
            while (!stop) {
                CHECK(threaded_sum(&teams) == 1000);
                for (size_t bytes : {size_t{100}, size_t{100000}, size_t{3000000}}) {
                    void* block = pool_allocate(bytes);
                    CHECK(block != nullptr);
                    pool_free(block, bytes);
                }
            }
        });
    }
    for (int i = 0; i < 40; ++i) {
        int64_t teams;
        CHECK(threaded_sum(&teams) == 1000);
        CHECK(in_child([&] {
                  CHECK(threaded_sum(&teams) == 1000);
                  void* block = pool_allocate(5000000);
                  CHECK(block != nullptr);
                  pool_free(block, 5000000);
                  CHECK(memory_stats().allocations > 0);
              }) == 0);
    }
    stop = true;
    for (auto& other : others) other.join();
}

void test_held_locks() {
    hold_over_fork([] { CHECK(!held.exchange(true)); }, [] { CHECK(held.exchange(false)); });
    CHECK(in_child([] { CHECK(!held); }) == 0);
    CHECK(!held);
}

// ---- pool ----

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

void test_environment() {
    CHECK(environment().isa != nullptr && environment().grain >= 0);
    CHECK(&environment() == &environment());
}

}  // namespace

int main(int argc, char** argv) {
    const struct {
        const char* name;
        void (*run)();
    } tests[] = {
        {"environment", test_environment},
        {"cpu", test_cpu},
        {"cgroup", test_cgroup},
#ifndef NABI_SANITIZE
        // first: it watches the recent peak
        {"pool cache", test_pool_cache},
        {"pool speed", test_pool_speed},
#endif
        {"pool sizes", test_pool_sizes},
        {"pool limits", test_pool_limits},
        {"pool reallocate", test_pool_reallocate},
        {"pool fill", test_pool_fill},
        {"pool threads", test_pool_threads},
        {"parallel coverage", test_coverage},
        {"parallel equal parts", test_equal_parts},
        {"parallel grain", test_grain},
        {"parallel nested", test_nested},
        {"parallel two callers", test_two_callers},
        {"parallel float mode", test_float_mode},
        {"fork held locks", test_held_locks},
        {"fork after region", test_fork_after_region},
        {"fork from other thread", test_fork_from_other_thread},
        {"fork during region", test_fork_during_region},
        {"fork storm", test_fork_storm},
    };
    const char* wanted = argc > 1 ? argv[1] : "";
    for (const auto& test : tests) {
        if (std::strncmp(test.name, wanted, std::strlen(wanted)) != 0) continue;
        const double start = seconds_now();
        test.run();
        std::printf("ok %-24s %.2f s\n", test.name, seconds_now() - start);
        std::fflush(stdout);
    }
    return 0;
}
