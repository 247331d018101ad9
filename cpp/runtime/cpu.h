// SPDX-License-Identifier: Apache-2.0
// What this machine can run: instruction sets that both the CPU and the operating system support, and how many CPUs
// we may use.
#pragma once

namespace nabi {

enum class Isa : int { scalar, avx2, avx512, neon };

// AVX-512 means F, BW, DQ and VL; AVX2 means AVX2, FMA and F16C. The operating system must save the registers (XGETBV).
bool cpu_has(Isa isa) noexcept;

const char* isa_name(Isa isa) noexcept;
const char* isa_description(Isa isa) noexcept;

// CPUs this process may use now: the smaller of the scheduler's affinity mask and the cgroup quota (v1 or v2), at
// least 1.
int usable_cpus() noexcept;

// CPUs' worth of time that the cgroups of this process allow, or 0 without a limit. `root` stands before /proc and
// /sys (tests).
double cgroup_cpu_quota(const char* root) noexcept;

}  // namespace nabi
