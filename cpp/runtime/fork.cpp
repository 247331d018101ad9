// SPDX-License-Identifier: Apache-2.0
#include "runtime/fork.h"

#include <pthread.h>

#include <atomic>

namespace nabi {
namespace {

constexpr int MAX_LOCKS = 16;
struct Lock {
    void (*lock)();
    void (*unlock)();
};
Lock locks[MAX_LOCKS];
std::atomic<int> lock_count{0};

void before() {
    parallel_before_fork();
    for (int i = 0; i < lock_count.load(); ++i) locks[i].lock();
    pool_before_fork();
}

void after(bool in_child) {
    pool_after_fork();
    for (int i = lock_count.load() - 1; i >= 0; --i) locks[i].unlock();
    parallel_after_fork(in_child);
}

}  // namespace

bool install_fork_handlers() noexcept {
    static const bool installed = pthread_atfork(
                                      before, [] { after(false); }, [] { after(true); }) == 0;
    return installed;
}

void hold_over_fork(void (*lock)(), void (*unlock)()) noexcept {
    const int at = lock_count.load();
    if (at == MAX_LOCKS) return;
    locks[at] = {lock, unlock};
    lock_count.store(at + 1);
}

}  // namespace nabi
