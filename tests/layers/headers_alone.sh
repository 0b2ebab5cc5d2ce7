#!/bin/bash
# Every header of src/ compiles by itself: headers_alone.sh SOURCE_DIR COMPILER INCLUDE_DIR...
# One whose own source includes it first is proven by the build.
set -euo pipefail
source_dir=$1; compiler=$2; shift 2
flags=(-std=c++23 -fsyntax-only -I "$source_dir/src")
for directory in "$@"; do flags+=(-isystem "$directory"); done
cd "$source_dir/src"
export compiler

proven_by_the_build() {
  local source=${1%.h}.cc
  [ -f "$source" ] && [ "$(grep -m1 '^#include' "$source")" = "#include \"$1\"" ]
}
for header in */*.h; do proven_by_the_build "$header" || echo "$header"; done |
  xargs -P "$(nproc)" -I{} sh -c 'echo "#include \"$0\"" | "$compiler" "$@" -x c++ - || { echo "does not compile alone: $0"; exit 255; }' {} "${flags[@]}"
echo "every header compiles alone"
