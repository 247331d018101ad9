// SPDX-License-Identifier: Apache-2.0
// The loops around the tile, for one thread and one rectangle of C: a block of columns (NC), a run of K (KC), a block of
// rows (MC), a panel (NR), a tile (MR). `A` and `B` are packing functors (pack.h).
#pragma once
#include "gemm/pack.h"
#include "gemm/schedule.h"
#include "gemm/tile.h"
#include "runtime/counters.h"

namespace nabi::NABI_SET {

// How a rectangle of this size is computed. None of it decides bits except kc, which depends on k alone.
struct Plan {
    int64_t kc, mc, nc;
    bool pack_a, pack_b;
    int64_t a_elements, b_elements;
};

// The run of K summed in registers: as equal as multiples of 8 allow, none above the set's KC.
template <class T>
inline int64_t run_length(int64_t k) noexcept {
    const int64_t most = blocks<T>().kc, runs = ceil_divide(greatest<int64_t>(k, 1), most);
    return least(most, ceil_divide(ceil_divide(greatest<int64_t>(k, 1), runs), 8) * 8);
}

// The next tile's rows where this many are left: the last two tiles share what is too little for a tile of its own (two rows
// of 16 columns are 4 chains, and two fma units of latency 4 want 8).
inline int64_t tile_height(int64_t left) noexcept {
    return left > MR && left - MR <= MR / 2 ? (left + 1) / 2 : least<int64_t>(MR, left);
}

// How many panels of B may read rows of A where they lie, before it pays to pack them. Rows a multiple of 4 kB apart share
// one set of the L1 cache, in which the panel of B stands as well (at 1024^3: 0.80 of the peak unpacked, 0.88 packed; at
// 512^3, rows of 2 kB: 0.87 and 0.81).
template <class T>
inline int64_t direct_panels(const Matrix<T>& a) noexcept {
    if (a.row != 1 && a.col != 1) return 0;
    const int64_t apart = a.col == 1 ? a.row : a.col;
    const bool one_set = apart * static_cast<int64_t>(sizeof(T)) % 4096 == 0;
    return a.col == 1 ? (one_set ? 8 : 40) : (one_set ? 4 : 20);
}

// `direct`: the number of panels that may read A where it lies, 0 for a functor; `b_direct`: B is in memory, its rows contiguous.
template <class T>
inline Plan plan(int64_t rows, int64_t columns, int64_t k, int64_t direct, bool b_direct) noexcept {
    constexpr int64_t W = Vec<T>::width, NR = NV * W;
    const Blocks block = blocks<T>();
    Plan p;
    p.kc = run_length<T>(k);
    const int64_t row_blocks = ceil_divide(rows, block.mc), tiles = ceil_divide(rows, MR);
    p.mc = ceil_divide(tiles, row_blocks) * MR;
    p.nc = least(block.nc, ceil_divide(columns, NR) * NR);
    // A panel that few tiles read is not worth copying, nor a B that stays in L1.
    const bool small = environment().small_blocks;  // tests reach both
    p.pack_a = ceil_divide(columns, NR) > (small ? least<int64_t>(direct, 1) : direct);
    p.pack_b = !b_direct || (small ? tiles > 1 : tiles > 3 && k * columns > 6144);
    const int64_t depth = least(p.kc, greatest<int64_t>(k, 1));
    p.a_elements = p.pack_a ? least(p.mc, tiles * MR) * depth + PACK_SLACK<T> : 0;
    p.a_elements = ceil_divide(p.a_elements, 16) * 16;
    p.b_elements = p.nc * depth;
    return p;
}

template <class T, class A, class B>
void multiply_rectangle(const A& a, const B& b, const Rectangle& r, int64_t k, T* c, int64_t ldc, const Epilogue<T>& e,
                        const Plan& plan, T* workspace) noexcept {
    constexpr int64_t W = Vec<T>::width, NR = NV * W;
    T *a_packed = workspace, *b_packed = workspace + plan.a_elements;
    GemmCounts counts = {};
    for (int64_t jc = r.j0; jc < r.j1; jc += plan.nc) {
        const int64_t columns = least(plan.nc, r.j1 - jc);
        for (int64_t pc = 0; pc == 0 || pc < k; pc += plan.kc) {
            const int64_t kc = least(plan.kc, k - pc);
            const bool first = pc == 0, last = pc + plan.kc >= k;
            counts.runs++;
            int64_t packed = 0;
            if constexpr (B::IN_MEMORY) {
                if (plan.pack_b) packed = b.pack_side_by_side(pc, kc, jc, columns, b_packed);
            }
            for (int64_t j = packed; j < columns; j += NR) {
                const int64_t width = least(NR, columns - j);
                // A panel that ends inside a vector is packed always: its loads would leave the matrix.
                if (plan.pack_b || width % W)
                    b.pack(pc, kc, jc + j, width, ceil_divide(width, W) * W, b_packed + j * kc);
            }
            for (int64_t ic = r.i0; ic < r.i1; ic += plan.mc) {
                const int64_t rows = least(plan.mc, r.i1 - ic);
                if (plan.pack_a) {
                    T* to = a_packed;
                    for (int64_t i = 0, height; i < rows; i += height, to += MR * kc) {
                        height = tile_height(rows - i);
                        a.pack(ic + i, height, pc, kc, to);
                    }
                }
                for (int64_t j = 0; j < columns; j += NR) {
                    const int64_t width = least(NR, columns - j), vectors = ceil_divide(width, W);
                    const T* panel = b_packed + j * kc;
                    int64_t b_row = vectors * W;
                    if constexpr (B::IN_MEMORY) {
                        if (!plan.pack_b && width % W == 0) {
                            panel = b.from.data + pc * b.from.row + (jc + j) * b.from.col;
                            b_row = b.from.row;
                        }
                    }
                    const T* packed_rows = a_packed;
                    for (int64_t i = 0, height; i < rows; i += height, packed_rows += MR * kc) {
                        height = tile_height(rows - i);
                        const int64_t at = ic + i;
                        const Target<T> to = {c + at * ldc + jc + j,
                                              ldc,
                                              width,
                                              e.alpha,
                                              last && e.row_bias ? e.row_bias + at : nullptr,
                                              last && e.column_bias ? e.column_bias + jc + j : nullptr,
                                              e.accumulate || !first};
                        (height == MR && width == NR ? counts.full_tiles : counts.edge_tiles)++;
                        if (plan.pack_a) {
                            tile_of<T, false>(height, vectors)(kc, packed_rows, MR, panel, b_row, to);
                        } else if constexpr (A::IN_MEMORY) {
                            const T* from = a.from.data + at * a.from.row + pc * a.from.col;
                            if (a.from.col == 1) {
                                tile_of<T, true>(height, vectors)(kc, from, a.from.row, panel, b_row, to);
                            } else {
                                tile_of<T, false>(height, vectors)(kc, from, a.from.col, panel, b_row, to);
                            }
                        }
                        if (last && e.activate) e.activate(e.context, to.c, ldc, at, jc + j, height, width);
                    }
                }
            }
        }
    }
    if (environment().small_blocks) count_gemm(counts);
}

}  // namespace nabi::NABI_SET
