#!/bin/sh
# The kinds of damage side by side, as many at a time as there are cores: BIN TRIALS SEED.
set -u
bin=$1
export RB_DAMAGE_TRIALS=$2 RB_DAMAGE_SEED=$3
# In memory, where there is a place for it: catalogs are synced often.
[ -w /dev/shm ] && parent=/dev/shm || parent=${TMPDIR:-/tmp}
TMPDIR=$(mktemp -d "$parent/rbbackup-damage.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
began=$(date +%s)
echo "soak-damage: $RB_DAMAGE_TRIALS trials, seeds from $RB_DAMAGE_SEED on"
"$bin/damage_tests" --gtest_list_tests | grep '\.$' | tr -d . |
  xargs -P "$(nproc)" -I{} sh -c '"$1/damage_tests" --gtest_brief=1 --gtest_filter="$2.*"' - "$bin" {} || {
  echo "soak-damage: failed" >&2
  exit 1
}
echo "soak-damage: all found, nothing misread, in $(($(date +%s) - began)) s"
