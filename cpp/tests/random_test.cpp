// SPDX-License-Identifier: Apache-2.0
// Self-test of the random stream: PyTorch's numbers from every set of this CPU, and its state's bytes.
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/table.h"
#include "runtime/cpu.h"
#include "runtime/mt19937.h"
#include "sets.h"  // written by CMake: NABI_FOR_EACH_SET
#include "tests/check.h"

namespace nabi {
#define NABI_DECLARE(set)         \
    namespace set {               \
    extern const Kernels kernels; \
    }
NABI_FOR_EACH_SET(NABI_DECLARE)
#undef NABI_DECLARE
}  // namespace nabi

using namespace nabi;

namespace {

constexpr int64_t COUNT = 1999;

uint32_t crc32(const void* data, size_t bytes) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= static_cast<const unsigned char*>(data)[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

// The crc32 of torch 2.13's bytes after torch.manual_seed(2026) (tests/test_random.py has the whole list).
void check_set(const char* name, const Kernels& kernels) {
    std::vector<float> f(COUNT), ones(COUNT, 1.0f);
    std::vector<double> d(COUNT);
    std::vector<int64_t> i(COUNT);
    std::vector<uint8_t> mask((COUNT + 7) / 8);
    const int64_t shape[] = {COUNT}, strides[] = {1};
    auto fresh = [] {
        Mt19937 generator;
        mt_seed(generator, 2026);
        return generator;
    };
    auto array = [&](void* data, DType dtype) { return InOut{data, shape, strides, 1, dtype, COUNT}; };

    Mt19937 g = fresh();
    CHECK(kernels.random_uniform(g, array(f.data(), DType::f32), -0.3, 1.7).code == 0);
    CHECK(crc32(f.data(), sizeof(float) * COUNT) == 0xa09cba42);
    g = fresh();
    CHECK(kernels.random_uniform(g, array(d.data(), DType::f64), -0.3, 1.7).code == 0);
    CHECK(crc32(d.data(), sizeof(double) * COUNT) == 0xb22c7444);
    g = fresh();
    CHECK(kernels.random_normal(g, array(f.data(), DType::f32), 0.3, 1.7).code == 0);
    CHECK(crc32(f.data(), sizeof(float) * COUNT) == 0xce71975e);
    g = fresh();
    CHECK(kernels.random_integers(g, array(i.data(), DType::i64), -3, 97).code == 0);
    CHECK(crc32(i.data(), sizeof(int64_t) * COUNT) == 0x8bbc91b3);
    g = fresh();
    CHECK(kernels.random_permutation(g, array(i.data(), DType::i64)).code == 0);
    CHECK(crc32(i.data(), sizeof(int64_t) * COUNT) == 0x816178c3);
    g = fresh();
    const In x{ones.data(), shape, strides, 1, DType::f32, COUNT};
    const Out y{f.data(), shape, strides, 1, DType::f32, COUNT};
    const int64_t bytes[] = {static_cast<int64_t>(mask.size())};
    const Out bits{mask.data(), bytes, strides, 1, DType::u8, bytes[0]};
    CHECK(kernels.dropout(g, x, 0.3, y, bits).code == 0);
    CHECK(crc32(f.data(), sizeof(float) * COUNT) == 0x838b1126);
    std::printf("random: %s draws PyTorch's numbers\n", name);
}

void test_sets() {
    int checked = 0;
    for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
        if (!cpu_has(isa)) continue;
#define NABI_CHECK(set)                          \
    if (std::strcmp(isa_name(isa), #set) == 0) { \
        check_set(#set, nabi::set::kernels);     \
        checked++;                               \
    }
        NABI_FOR_EACH_SET(NABI_CHECK)
#undef NABI_CHECK
    }
    CHECK(checked > 0);
}

void test_state() {
    Mt19937 a, b;
    mt_seed(a, 5489);
    for (int i = 0; i < 9999; i++) mt_word(a);
    CHECK(mt_word(a) == 4123659995u);  // the 10,000th word that the C++ standard asks of mt19937
    a.has_next_normal = true;
    a.next_normal = 0.25;
    std::vector<unsigned char> bytes(MT_STATE_BYTES);
    mt_get_state(a, bytes.data());
    mt_seed(b, 1);
    CHECK(mt_set_state(b, bytes.data()));
    CHECK(b.has_next_normal && b.next_normal == 0.25 && b.seed == 5489);
    for (int i = 0; i < 2000; i++) CHECK(mt_word64(a) == mt_word64(b));
    const uint64_t beyond = 624;
    std::memcpy(bytes.data() + 16, &beyond, sizeof beyond);
    const Mt19937 before = b;
    CHECK(!mt_set_state(b, bytes.data()));
    CHECK(std::memcmp(before.words, b.words, sizeof b.words) == 0 && before.next == b.next && before.left == b.left);
}

}  // namespace

int main(int argc, char** argv) {
    const Test tests[] = {{"sets", test_sets}, {"state", test_state}};
    return run_tests(tests, argc, argv);
}
