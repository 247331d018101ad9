// SPDX-License-Identifier: Apache-2.0
// Self-test of parallel regions and of forks around them.
// Under thread sanitizer (clang, libomp, TSAN_OPTIONS=ignore_noninstrumented_modules=1) run all but `fork`: LLVM 14's
// Archer, which explains OpenMP to the sanitizer, crashes in a child that another thread than the first forked.
#include <fenv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "runtime/fork.h"
#include "runtime/parallel.h"
#include "runtime/pool.h"
#include "tests/check.h"

using namespace nabi;

namespace {

template <class F>
void split(int64_t n, int64_t grain, const F& f) {
    run_parallel(
        n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
        const_cast<F*>(&f));
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
    if (status != 0) std::printf("a child ended with status %#x\n", static_cast<unsigned>(status));
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

}  // namespace

int main(int argc, char** argv) {
    const Test tests[] = {
        {"coverage", test_coverage},
        {"equal parts", test_equal_parts},
        {"grain", test_grain},
        {"nested", test_nested},
        {"two callers", test_two_callers},
        {"float mode", test_float_mode},
        {"fork held locks", test_held_locks},
        {"fork after region", test_fork_after_region},
        {"fork from other thread", test_fork_from_other_thread},
        {"fork during region", test_fork_during_region},
        {"fork storm", test_fork_storm},
    };
    return run_tests(tests, argc, argv);
}
