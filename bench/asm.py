# SPDX-License-Identifier: Apache-2.0
"""Shows the innermost loops of a kernel as the compiler wrote them: make asm K=linear [SET=avx2].

Starts at the kernel's entry in the objects of the last build, follows its calls to other functions of the same
instruction set (the GEMM's micro-kernel, a loop body handed to parallel_for), and prints every innermost loop that has
vector arithmetic in it, the one with most of it first.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETS = ("scalar", "avx2", "avx512", "neon")
VECTOR = re.compile(
    r"\b(v[a-z]+[0-9]*p[sd]|v[a-z]+[sd][sd]|v?p[a-z]+[bwdq]|f[a-z]+|(add|mul|sub|div|max|min|sqrt)[ps][sd])\b"
)
JUMP = re.compile(r"^j\w+\s+([0-9a-f]+)\b")


def newest_objects(name: str) -> list[Path]:
    """The object files of one set, from the build that was made last."""
    found: dict[Path, list[Path]] = {}
    root = Path(os.environ.get("NABI_BUILD_DIR", ROOT / "build"))
    for folder in root.glob(f"**/CMakeFiles/nabi_kernels_{name}.dir"):
        objects = sorted(folder.rglob("*.o"))
        if objects:
            found[folder] = objects
    return (
        found[max(found, key=lambda folder: max(o.stat().st_mtime for o in found[folder]))] if found else []
    )


def functions(path: Path) -> dict[str, list[tuple[int, str, str]]]:
    """{demangled name: [(address, instruction, what it refers to)]} of one object."""
    listing = subprocess.run(
        ["objdump", "-drC", "--no-show-raw-insn", "-M", "intel", path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, list[tuple[int, str, str]]] = {}
    body: list[tuple[int, str, str]] = []
    for line in listing.splitlines():
        if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            body = found.setdefault(head[1], [])
        elif relocation := re.match(r"\s+[0-9a-f]+: R_\S+\s+(.*?)(?:[+-]0x[0-9a-f]+)?$", line):
            if body:
                address, code, _ = body[-1]
                body[-1] = (address, code, relocation[1])
        elif instruction := re.match(r"\s*([0-9a-f]+):\s+(.*?)\s*(?:#.*)?$", line):
            target = re.search(r"<(.*?)(?:\+0x[0-9a-f]+)?>$", instruction[2])
            body.append((int(instruction[1], 16), instruction[2], target[1] if target else ""))
    return found


def blocks_of(body: list[tuple[int, str, str]]) -> tuple[list[range], list[list[int]]]:
    """Basic blocks as ranges of instructions, and for each the blocks that may follow it."""
    at = {address: i for i, (address, _, _) in enumerate(body)}
    starts = {0}
    for i, (_, code, _) in enumerate(body):
        if code.startswith(("j", "ret")):
            starts.add(i + 1)
            if (jump := JUMP.match(code)) and int(jump[1], 16) in at:
                starts.add(at[int(jump[1], 16)])
    edges = sorted(starts - {len(body)})
    blocks = [range(low, high) for low, high in zip(edges, [*edges[1:], len(body)], strict=True)]
    of = {block.start: number for number, block in enumerate(blocks)}
    following: list[list[int]] = []
    for number, block in enumerate(blocks):
        code, after = body[block[-1]][1], []
        if (jump := JUMP.match(code)) and int(jump[1], 16) in at:
            after.append(of[at[int(jump[1], 16)]])
        if not code.startswith(("jmp", "ret")) and number + 1 < len(blocks):
            after.append(number + 1)
        following.append(after)
    return blocks, following


def innermost_loops(body: list[tuple[int, str, str]]) -> list[list[str]]:
    """The instructions of every natural loop with no loop inside: a block that all its rounds pass, and what leads back
    to it. A jump back alone does not make a loop: compilers move rare cases behind a function's end."""
    blocks, following = blocks_of(body)
    before: list[list[int]] = [[] for _ in blocks]
    for number, after in enumerate(following):
        for other in after:
            before[other].append(number)
    everything = (1 << len(blocks)) - 1
    dominators = [everything] * len(blocks)
    dominators[0] = 1
    changed = True
    while changed:
        changed = False
        for number in range(1, len(blocks)):
            common = everything
            for other in before[number]:
                common &= dominators[other]
            common |= 1 << number
            changed |= common != dominators[number]
            dominators[number] = common
    loops: dict[int, set[int]] = {}
    for tail, after in enumerate(following):
        for head in after:
            if dominators[tail] >> head & 1:
                members, todo = loops.setdefault(head, {head}), [tail]
                while todo:
                    if (number := todo.pop()) not in members:
                        members.add(number)
                        todo.extend(before[number])
    inner = [members for head, members in loops.items() if not any(o != head and o in members for o in loops)]
    return [[body[i][1] for number in sorted(members) for i in blocks[number]] for members in inner]


def reached_from(kernel: str, name: str, table: dict[str, list[tuple[int, str, str]]]) -> list[str]:
    """The kernel's functions and what they refer to inside the set, entry first."""
    entry = re.compile(rf"\bnabi::{name}::(\(anonymous namespace\)::)?{re.escape(kernel)}\b")
    todo = [function for function in table if entry.search(function.split("(nabi")[0])]
    reached = []
    while todo:
        function = todo.pop(0)
        if function in reached:
            continue
        reached.append(function)
        for _, _, target in table[function]:
            if target in table and target not in reached:
                todo.append(target)
    return reached


def show(kernel: str, name: str, limit: int = 6) -> bool:
    """Prints the loops of one set; False when the set was not built or has no such kernel."""
    table: dict[str, list[tuple[int, str, str]]] = {}
    for path in newest_objects(name):
        for function, body in functions(path).items():
            table.setdefault(function, body)
    loops = [
        (sum(bool(VECTOR.search(code)) for code in loop), function, loop)
        for function in reached_from(kernel, name, table)
        for loop in innermost_loops(table[function])
    ]
    loops = [found for found in loops if found[0]]
    if not loops:
        return False
    # Multiply-adds are what a kernel is written for; then the most arithmetic.
    loops.sort(key=lambda found: (-sum("fma" in code or "fmla" in code for code in found[2]), -found[0]))
    print(
        f"\n===== {name}: {len(loops)} innermost loops with vector arithmetic; the {min(limit, len(loops))} with most of it"
    )
    for count, function, loop in loops[:limit]:
        plain = function.replace(f"nabi::{name}::", "").replace("(anonymous namespace)::", "")
        print(f"\n--- {plain if len(plain) < 160 else plain[:157] + '...'}")
        print(f"    {count} of {len(loop)} instructions are vector arithmetic")
        print("\n".join("    " + re.sub(r"\s+", " ", re.sub(r"<.*$", "", code)).rstrip() for code in loop))
    return True


def main(kernel: str = "", only: str = "") -> int:
    if not kernel:
        print("usage: make asm K=<a name from cpp/kernels.def> [SET=avx2]")
        return 2
    if not shutil.which("objdump"):
        print("make asm needs objdump. On Debian or Ubuntu: apt-get install binutils")
        return 1
    shown = [show(kernel, name) for name in SETS if only in ("", name)]
    if not any(shown):
        print(f"no loops found for {kernel}: is it a name in cpp/kernels.def, and is nabi built (make)?")
    return 0 if any(shown) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `make asm K=linear | head`
    sys.exit(main(*sys.argv[1:]))
