// SPDX-License-Identifier: Apache-2.0
// What must hold still while the process forks. A lock that another thread holds at that moment stays locked in the
// child for ever, so every lock of the C++ side is taken before the fork and released on both sides.
#pragma once

namespace nabi {

// For locks outside runtime/, before the first fork: at most 16. They are taken in the order of registration.
void hold_over_fork(void (*lock)(), void (*unlock)()) noexcept;

// Idempotent. Called by the initialisers of what must hold still, so that a program linked from an archive has the
// handlers too.
bool install_fork_handlers() noexcept;

// Called by fork.cpp alone, in this order: before the fork, then in the parent or in the child.
void parallel_before_fork() noexcept;
void parallel_after_fork(bool in_child) noexcept;
void pool_before_fork() noexcept;
void pool_after_fork() noexcept;

}  // namespace nabi
