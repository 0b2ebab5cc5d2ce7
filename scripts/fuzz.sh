#!/bin/bash
# Feeds every fuzz target a bounded number of inputs, starting from its seed corpus. RUNS=... for more.
set -euo pipefail
bin=$1
runs=${RUNS:-20000}
corpora=$(dirname "$0")/../tests/fuzz/corpus
for target in "$bin"/*_fuzz; do
  name=$(basename "$target" _fuzz)
  work=$(mktemp -d)
  seeds=()
  [ -d "$corpora/$name" ] && seeds=("$corpora/$name")
  echo "fuzz: $name, $runs inputs"
  # New inputs go into $work; the seeds stay as they are.
  "$target" -runs="$runs" -seed=1 -max_len=65536 -rss_limit_mb=1024 -timeout=20 -verbosity=0 "$work" "${seeds[@]}"
  rm -rf "$work"
done
