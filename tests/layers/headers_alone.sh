#!/bin/bash
# Every header of src/ compiles by itself: headers_alone.sh SOURCE_DIR COMPILER INCLUDE_DIR...
set -euo pipefail
source_dir=$1; compiler=$2; shift 2
flags=(-std=c++23 -fsyntax-only -I "$source_dir/src")
for directory in "$@"; do flags+=(-isystem "$directory"); done
cd "$source_dir/src"
export compiler
ls */*.h | xargs -P "$(nproc)" -I{} sh -c 'echo "#include \"$0\"" | "$compiler" "$@" -x c++ - || { echo "does not compile alone: $0"; exit 255; }' {} "${flags[@]}"
echo "every header compiles alone"
