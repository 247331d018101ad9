// SPDX-License-Identifier: Apache-2.0
// Who computes which part of C. Columns are cut into groups of threads, each group's rows between its threads; nobody waits
// for anybody, and each packs for itself. Bits don't depend on any of this.
#pragma once
#include "simd/simd.h"

namespace nabi::NABI_SET {

struct Rectangle {
    int64_t i0, i1, j0, j1;
};

struct Grid {
    int64_t m, n;
    int64_t row_unit, column_unit;  // parts begin at multiples of these
    int64_t parts, groups;
};

inline int64_t ceil_divide(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

// Part `index` of `parts` of m x n, maybe empty.
inline Rectangle rectangle(const Grid& g, int64_t index) noexcept {
    // Group q has the threads from parts q / groups on, and columns in proportion.
    int64_t q = index * g.groups / g.parts;
    while ((q + 1) * g.parts / g.groups <= index) q++;
    const int64_t from = q * g.parts / g.groups, to = (q + 1) * g.parts / g.groups, members = to - from;
    const int64_t rows = ceil_divide(g.m, g.row_unit), columns = ceil_divide(g.n, g.column_unit);
    const int64_t member = index - from;
    return {least(g.m, rows * member / members * g.row_unit), least(g.m, rows * (member + 1) / members * g.row_unit),
            least(g.n, columns * from / g.parts * g.column_unit), least(g.n, columns * to / g.parts * g.column_unit)};
}

// What the busiest thread does, in products of elements: its rectangle, and packing a row or a column costs as much as
// multiplying with 8 (half a cycle an element against 16 fmas a cycle).
inline int64_t busiest(const Grid& g) noexcept {
    const int64_t rows = ceil_divide(g.m, g.row_unit), columns = ceil_divide(g.n, g.column_unit);
    int64_t worst = 0;
    const int64_t fewest = g.parts / g.groups, most = ceil_divide(g.parts, g.groups);
    for (int64_t members = fewest; members <= most; members++) {
        const int64_t height = ceil_divide(rows, members) * g.row_unit;
        const int64_t width = ceil_divide(columns * members, g.parts) * g.column_unit;
        worst = greatest(worst, height * width + 8 * (height + width));
    }
    return worst;
}

inline Grid choose_grid(int64_t m, int64_t n, int64_t row_unit, int64_t column_unit, int64_t parts) noexcept {
    Grid best = {m, n, row_unit, column_unit, parts, 1};
    int64_t least_work = busiest(best);
    for (int64_t groups = 2; groups <= parts; groups++) {
        const Grid other = {m, n, row_unit, column_unit, parts, groups};
        const int64_t work = busiest(other);
        if (work < least_work) {
            least_work = work;
            best = other;
        }
    }
    return best;
}

}  // namespace nabi::NABI_SET
