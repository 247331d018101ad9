// SPDX-License-Identifier: Apache-2.0
// Self-test of CPU detection, the environment and the measurements of the machine.
#include <stdlib.h>
#include <sys/stat.h>

#include <cstring>
#include <initializer_list>
#include <string>

#include "runtime/cpu.h"
#include "runtime/environment.h"
#include "runtime/measure.h"
#include "runtime/parallel.h"
#include "tests/check.h"

using namespace nabi;

namespace {

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

void test_environment() {
    CHECK(environment().isa != nullptr && environment().grain >= 0);
    CHECK(&environment() == &environment());
}

void test_measure() {
    set_num_threads(3);
    for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
        const double singles = measure_peak_gflops(isa, 1, false), doubles = measure_peak_gflops(isa, 1, true);
        CHECK((singles > 0.01) == cpu_has(isa) && (doubles > 0.01) == cpu_has(isa));
        if (cpu_has(isa))
            std::printf("measure: %s %.1f and %.1f GFLOP/s on one thread\n", isa_name(isa), singles, doubles);
    }
    CHECK(last_level_cache_bytes() >= 4096 && out_of_cache_bytes() <= size_t{2} << 30);
    for (size_t bytes : {size_t{1}, size_t{1} << 20, size_t{1} << 24}) CHECK(measure_bandwidth_gbs(bytes, 2) > 0);
    std::printf("measure: %.1f GB/s at 16 MB\n", measure_bandwidth_gbs(16 << 20, 2));
    CHECK(get_num_threads() == 3);
}

}  // namespace

int main(int argc, char** argv) {
    const Test tests[] = {
        {"environment", test_environment},
        {"cpu", test_cpu},
        {"cgroup", test_cgroup},
        {"measure", test_measure},
    };
    return run_tests(tests, argc, argv);
}
