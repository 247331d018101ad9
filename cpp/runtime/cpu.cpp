// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nabi {

// ---- instruction sets ----

namespace {

#if defined(__x86_64__)
// Register states that the operating system saves at a context switch: bit 1 SSE, 2 AVX, 5-7 AVX-512. Only valid with
// OSXSAVE.
uint64_t saved_states() {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<uint64_t>(high) << 32) | low;
}

struct X86 {
    bool avx2, avx512;
};

X86 detect() {
    X86 found = {false, false};
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return found;
    const bool osxsave = c >> 27 & 1, avx = c >> 28 & 1, fma = c >> 12 & 1, f16c = c >> 29 & 1;
    if (!osxsave || !avx || !fma || !f16c) return found;
    const uint64_t states = saved_states();
    if ((states & 0x6) != 0x6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    found.avx2 = b >> 5 & 1;
    const bool f = b >> 16 & 1, dq = b >> 17 & 1, bw = b >> 30 & 1, vl = b >> 31 & 1;
    found.avx512 = found.avx2 && (states & 0xe6) == 0xe6 && f && dq && bw && vl;
    return found;
}
#endif

}  // namespace

bool cpu_has(Isa isa) noexcept {
    if (isa == Isa::scalar) return true;
#if defined(__x86_64__)
    static const X86 found = detect();
    if (isa == Isa::avx2) return found.avx2;
    if (isa == Isa::avx512) return found.avx512;
#elif defined(__aarch64__)
    if (isa == Isa::neon) return true;  // part of the base architecture
#endif
    return false;
}

const char* isa_name(Isa isa) noexcept {
    switch (isa) {
        case Isa::scalar:
            return "scalar";
        case Isa::avx2:
            return "avx2";
        case Isa::avx512:
            return "avx512";
        case Isa::neon:
            return "neon";
    }
    return "unknown";
}

const char* isa_description(Isa isa) noexcept {
    switch (isa) {
        case Isa::scalar:
            return "portable C++, one element at a time";
        case Isa::avx2:
            return "x86-64 with AVX2, FMA and F16C: 8 floats";
        case Isa::avx512:
            return "x86-64 with AVX-512 F, BW, DQ and VL: 16 floats";
        case Isa::neon:
            return "aarch64 with Advanced SIMD: 4 floats";
    }
    return "unknown";
}

// ---- how many CPUs ----

namespace {

constexpr size_t PATH_SIZE = 1024;

int cpus_in_affinity_mask() {
    // The kernel refuses a mask smaller than its own, so machines above 1024 CPUs need a larger one.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t* mask = CPU_ALLOC(cpus);
        if (mask == nullptr) break;
        const size_t bytes = CPU_ALLOC_SIZE(cpus);
        const int count = sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 0;
        CPU_FREE(mask);
        if (count > 0) return count;
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? static_cast<int>(online) : 1;
}

bool read_line(const char* path, char* line, int size) {
    FILE* file = std::fopen(path, "re");
    if (file == nullptr) return false;
    const bool ok = std::fgets(line, size, file) != nullptr;
    std::fclose(file);
    return ok;
}

double quota_v2(const char* folder) {
    char path[PATH_SIZE + 32], line[128];
    std::snprintf(path, sizeof(path), "%s/cpu.max", folder);
    double quota, period;
    if (!read_line(path, line, sizeof(line)) || std::sscanf(line, "%lf %lf", &quota, &period) != 2) return 0;
    return quota > 0 && period > 0 ? quota / period : 0;
}

double quota_v1(const char* folder) {
    char path[PATH_SIZE + 32], quota_line[64], period_line[64];
    std::snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
    if (!read_line(path, quota_line, sizeof(quota_line))) return 0;
    std::snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
    if (!read_line(path, period_line, sizeof(period_line))) return 0;
    double quota, period;
    if (std::sscanf(quota_line, "%lf", &quota) != 1 || std::sscanf(period_line, "%lf", &period) != 1) return 0;
    return quota > 0 && period > 0 ? quota / period : 0;
}

void keep_smaller(double* limit, double quota) {
    if (quota > 0 && (*limit == 0 || quota < *limit)) *limit = quota;
}

// A limit on any ancestor binds too. Inside a container the mount may show only our own group, at its top: the walk
// ends there.
void walk_up(const char* mount, const char* group, double (*quota_in)(const char*), double* limit) {
    char folder[PATH_SIZE];
    const int written = std::snprintf(folder, sizeof(folder), "%s%s", mount, group);
    if (written < 0 || static_cast<size_t>(written) >= sizeof(folder)) return;
    const size_t top = std::strlen(mount);
    for (;;) {
        keep_smaller(limit, quota_in(folder));
        if (std::strlen(folder) <= top) return;
        *std::strrchr(folder, '/') = '\0';
        if (std::strlen(folder) < top) return;
    }
}

bool lists_cpu(const char* controllers) {
    for (const char* at = controllers; at != nullptr && *at != '\0';) {
        const char* comma = std::strchr(at, ',');
        const size_t length = comma != nullptr ? static_cast<size_t>(comma - at) : std::strlen(at);
        if (length == 3 && std::strncmp(at, "cpu", 3) == 0) return true;
        at = comma != nullptr ? comma + 1 : nullptr;
    }
    return false;
}

}  // namespace

double cgroup_cpu_quota(const char* root) noexcept {
    char path[PATH_SIZE], line[PATH_SIZE], mount[PATH_SIZE];
    std::snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    FILE* file = std::fopen(path, "re");
    if (file == nullptr) return 0;
    double limit = 0;
    // Lines look like "0::/group" (version 2) or "4:cpu,cpuacct:/group" (version 1).
    while (std::fgets(line, sizeof(line), file) != nullptr) {
        line[std::strcspn(line, "\n")] = '\0';
        char* controllers = std::strchr(line, ':');
        char* group = controllers != nullptr ? std::strchr(controllers + 1, ':') : nullptr;
        if (group == nullptr) continue;
        *controllers++ = *group++ = '\0';
        if (std::strcmp(group, "/") == 0) *group = '\0';
        if (*controllers == '\0') {
            for (const char* place : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
                std::snprintf(mount, sizeof(mount), "%s%s", root, place);
                walk_up(mount, group, quota_v2, &limit);
            }
        } else if (lists_cpu(controllers)) {
            for (const char* place : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
                std::snprintf(mount, sizeof(mount), "%s%s", root, place);
                walk_up(mount, group, quota_v1, &limit);
            }
        }
    }
    std::fclose(file);
    return limit;
}

int usable_cpus() noexcept {
    int count = cpus_in_affinity_mask();
    const double quota = cgroup_cpu_quota("");
    // Rounded down: a thread more than the quota has the whole team throttled while it spins.
    if (quota > 0 && quota < count) count = static_cast<int>(quota);
    return count > 1 ? count : 1;
}

}  // namespace nabi
