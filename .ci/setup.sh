#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a fresh machine ready: a virtual environment with the build tools, and nabi in it as an editable install.
# Run again after a change it rebuilds only what changed; the Makefile decides when.
#
#   .ci/setup.sh VENV            environment, build tools, nabi
#   .ci/setup.sh VENV EXTRA      the packages of pyproject.toml's extra (test, demo, dev), without building
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$1
extra=${2:-}

stop() {
    printf '\nnabi cannot be set up: %s\n\n' "$1" >&2
    exit 1
}

find_python() {
    local candidate found
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
        found=$(command -v "$candidate" 2>/dev/null) || continue
        if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    stop "it needs Python 3.10 or newer. On Debian or Ubuntu: apt-get install python3 python3-venv python3-dev"
}

check_python() {
    "$1" -c 'import venv, ensurepip' 2>/dev/null ||
        stop "$1 has no venv module. On Debian or Ubuntu: apt-get install python3-venv"
    "$1" -c 'import os, sys, sysconfig as s; sys.exit(not os.path.exists(s.get_paths()["include"] + "/Python.h"))' ||
        stop "$1 has no C headers (Python.h). On Debian or Ubuntu: apt-get install python3-dev"
}

check_compiler() {
    local compiler=${CXX:-} candidate scratch
    if [ -z "$compiler" ]; then
        for candidate in c++ g++ clang++; do
            command -v "$candidate" >/dev/null 2>&1 && compiler=$candidate && break
        done
    fi
    { [ -n "$compiler" ] && command -v "${compiler%% *}" >/dev/null 2>&1; } ||
        stop "no C++ compiler${CXX:+ at CXX=$CXX}. On Debian or Ubuntu: apt-get install g++ (or clang libomp-dev)"
    scratch=$(mktemp -d)
    printf '#include <vector>\nint main() { return int(std::vector<int>().size()); }\n' >"$scratch/plain.cpp"
    # shellcheck disable=SC2086 # CXX may carry flags
    $compiler -std=c++17 "$scratch/plain.cpp" -o "$scratch/plain" 2>"$scratch/log" || {
        cat "$scratch/log" >&2
        rm -rf "$scratch"
        stop "$compiler does not compile C++17. On Debian or Ubuntu: apt-get install g++"
    }
    printf '#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }\n' >"$scratch/omp.cpp"
    # shellcheck disable=SC2086
    $compiler -std=c++17 -fopenmp "$scratch/omp.cpp" -o "$scratch/omp" 2>"$scratch/log" || {
        cat "$scratch/log" >&2
        rm -rf "$scratch"
        stop "$compiler has no OpenMP. On Debian or Ubuntu: apt-get install g++ (or, for clang, libomp-dev)"
    }
    rm -rf "$scratch"
}

pip_install() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check "$@" ||
        stop "pip could not install: $* (is a package registry within reach?)"
}

# One list of versions: pyproject.toml's. Its tables are plain enough to be read without a TOML parser, which
# Python 3.10 does not have.
requirements() {
    "$venv/bin/python" - "$1" <<'PY'
import ast, re, sys
text = open("pyproject.toml", encoding="utf-8").read()
found = re.search(rf"^{re.escape(sys.argv[1])}\s*=\s*(\[.*?\])\s*$", text, re.M | re.S)
print("\n".join(ast.literal_eval(found.group(1)))) if found else sys.exit(f"pyproject.toml lists no {sys.argv[1]}")
PY
}

if [ ! -x "$venv/bin/python" ]; then
    python=$(find_python)
    check_python "$python"
    echo "creating $venv with $("$python" --version)"
    "$python" -m venv "$venv" || stop "$python -m venv $venv failed. On Debian or Ubuntu: apt-get install python3-venv"
fi

if [ -n "$extra" ]; then
    mapfile -t wanted < <(requirements "$extra")
    [ ${#wanted[@]} -gt 0 ] || stop "pyproject.toml has no extra called $extra"
    pip_install "${wanted[@]}"
    exit
fi

check_compiler
mapfile -t wanted < <(requirements requires)
[ ${#wanted[@]} -gt 0 ] || stop "pyproject.toml lists no build requirements"
pip_install "${wanted[@]}" cmake ninja
echo "building nabi (half a minute to three minutes the first time)"
export PATH="$(cd "$venv/bin" && pwd):$PATH" CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-build-isolation --editable . ||
    stop "the build failed; the compiler's own messages are above"
