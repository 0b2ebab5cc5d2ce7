#include "repository/pack_repair.h"

#include <algorithm>

#include "base/hash.h"

namespace rb {

namespace {

constexpr std::size_t kRepairWindowBytes = 1 << 20;

// Everything that can be read. What can't is left out, which reads as zeros, as long as something is written
// behind it; the repair or the last byte does that.
Status copy_readable(const File& from, std::uint64_t bytes, File& to) {
  Bytes window(kRepairWindowBytes);
  RB_TRY(to.write_at(bytes - 1, Bytes(1)));
  for (std::uint64_t at = 0; at < bytes;) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), bytes - at));
    const std::span<std::uint8_t> out = std::span(window).first(length);
    if (const auto got = from.read_at(at, out)) {
      RB_TRY(to.write_at(at, out.first(*got)));
    } else {
      for (std::size_t i = 0; i < length; i += kParitySectorBytes) {
        const auto sector = out.subspan(i, std::min(kParitySectorBytes, length - i));
        const auto one = from.read_at(at + i, sector);
        if (one) RB_TRY(to.write_at(at + i, sector.first(*one)));
      }
    }
    at += length;
  }
  return {};
}

Result<Digest> digest_of(const File& file, std::uint64_t bytes) {
  Hasher hasher;
  Bytes window(kRepairWindowBytes);
  for (std::uint64_t at = 0; at < bytes;) {
    RB_TRY(const std::size_t got, file.read_at(at, window));
    if (got == 0) return fail(Errc::io, "a repaired pack is shorter than what was written");
    hasher.update(ByteView(window).first(got));
    at += got;
  }
  return hasher.digest();
}

Result<PackRepair> repair_into(const File& pack, const ParityReader& parity, File& file) {
  const std::uint64_t bytes = parity.layout().pack_bytes;
  RB_TRY(const PackCondition condition, parity.examine(pack));
  RB_TRY(copy_readable(pack, bytes, file));
  PackRepair repair;
  RB_TRY(repair.sectors, parity.repair(pack, condition, [&](std::uint32_t sector, ByteView content) {
    return file.write_at(std::uint64_t{sector} * kParitySectorBytes, content);
  }));
  RB_TRY(file.sync());
  if (!repair.sectors.beyond_reach.empty()) return repair;
  RB_TRY(const Digest digest, digest_of(file, bytes));
  if (digest != parity.pack_digest()) {
    return fail(Errc::corrupt, "every sector has its CRC, but the pack is not what it was");
  }
  repair.whole = true;
  return repair;
}

}  // namespace

Result<PackRepair> write_repaired_pack(FileSystem& fs, const std::string& pack_path,
                                       const ParityReader& parity, const std::string& new_path) {
  RB_TRY(const auto pack, fs.open(pack_path, OpenMode::read));
  RB_TRY(const auto file, fs.open(new_path, OpenMode::create_new));
  auto repaired = repair_into(*pack, parity, *file);
  if (!repaired) {
    (void)fs.remove(new_path);
    return std::unexpected(repaired.error().with("repairing " + pack_path));
  }
  return repaired;
}

}  // namespace rb
