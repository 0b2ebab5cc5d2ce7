#!/bin/sh
# Installs the Debian packages that a purpose needs (build, test, fuzz, bench) and that are missing; says which.
set -eu

build="build-essential cmake ninja-build pkg-config git
  libboost1.81-dev libssl-dev librocksdb-dev libcli11-dev libfmt-dev libspdlog-dev
  libtomlplusplus-dev libsystemd-dev nlohmann-json3-dev libzstd-dev libisal-dev libxxhash-dev
  librust-blake3-dev"
test="libgtest-dev libgmock-dev librapidcheck-dev clang-format-14 acl attr rsync python3 libcap2-bin openssl iproute2"
fuzz="clang-19 libclang-rt-19-dev"
bench="linux-source-6.1 xz-utils zstd rsync acl attr python3 openssl iproute2 iperf3 nftables
  python3-numpy python3-matplotlib b3sum time debootstrap libbenchmark-dev"
tidy="clang-tidy-19"

case "${1:-build}" in
  build) wanted="$build" ;;
  test) wanted="$build $test" ;;
  fuzz) wanted="$build $fuzz" ;;
  bench) wanted="$build $bench" ;;
  tidy) wanted="$build $tidy" ;;
  *) echo "usage: $0 build|test|fuzz|bench|tidy" >&2; exit 2 ;;
esac

missing=""
for package in $wanted; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "missing:$missing" >&2
  echo "install them with your package manager (the names are Debian 12's)" >&2
  exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086  # one word a package
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
