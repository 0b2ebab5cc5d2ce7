#!/bin/bash
# make try: a server on a scratch directory, a real tree there and back, and a comparison by other programs.
set -euo pipefail
bin=$(realpath "$1")
source_dir=$(realpath "$2")

scratch=$(mktemp -d "${TMPDIR:-/tmp}/rbbackup-try.XXXXXX")
server=""
cleanup() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

export PATH="$bin:$PATH" XDG_CACHE_HOME="$scratch/cache" RBBACKUP_SERVER="unix:$scratch/socket"

say "A server on a scratch directory"
mkfifo "$scratch/ready"
echo "\$ rbbackupd $scratch/repository --socket $scratch/socket &"
rbbackupd "$scratch/repository" --socket "$scratch/socket" --ready-fd 3 3>"$scratch/ready" 2>"$scratch/server.log" &
server=$!
if ! read -r -t 30 <"$scratch/ready"; then :; fi
[ -S "$scratch/socket" ] || { cat "$scratch/server.log" >&2; exit 1; }

say "A copy of $source_dir, so that it can be changed"
tree="$scratch/tree"
cp -a "$source_dir" "$tree"
echo "$(find "$tree" | wc -l) files and directories, $(du -sh --apparent-size "$tree" | cut -f1)"

say "The first backup"
run rbbackup -r "$tree"
say "Nothing changed"
run rbbackup -r "$tree"

say "A file is changed, one added, one renamed, one removed; then a backup that also deletes"
mapfile -t files < <(find "$tree" -type f -size +0 | sort | head -200)
victim=${files[0]}; renamed=${files[1]}; removed=${files[2]}
echo "one more line" >>"$victim"
echo "something new" >"$tree/new file"
mv "$renamed" "$renamed.renamed"
rm "$removed"
run rbbackup -rd "$tree"

say "History"
run rbbackup log
run rbbackup diff "$tree" --from "$(rbbackup log --json | sed -n '2s/.*"id":"\([0-9a-f]*\)".*/\1/p')"

say "Restored, and compared with rsync (checksums, hard links, ACLs, xattrs)"
run rbbackup restore "$tree" --to "$scratch/restored"
echo "\$ rsync -naciHAX --delete $tree/ $scratch/restored/tree/"
options="-nacHi --delete"
[ "$(id -u)" = 0 ] && options="-nacHAXi --delete"
if command -v rsync >/dev/null; then
  # shellcheck disable=SC2086
  differences=$(rsync $options "$tree/" "$scratch/restored/tree/")
else
  differences=$(diff -r "$tree" "$scratch/restored/tree" || true)
fi
if [ -n "$differences" ]; then
  echo "DIFFERENT:"; printf '%s\n' "$differences" | head -20; exit 1
fi
echo "no difference"

say "The removed file, from before"
run rbbackup restore "$removed" --at "$(rbbackup log --json | sed -n '2s/.*"id":"\([0-9a-f]*\)".*/\1/p')" --to "$scratch/found"
ls -l "$scratch/found"

say "It works. Next:"
cat <<EOF
  make install                              puts rbbackup and rbbackupd under /usr/local (PREFIX=...)
  rbbackupd ~/backups --socket /run/user/$(id -u)/rbbackupd.sock &
  rbbackup -rd ~/documents                  finds that server by itself
  rbbackup -h                               the rest
EOF
