#include "check/pack_contents.h"

#include <array>

#include "base/log.h"
#include "chunk/block_codec.h"
#include "repository/pack_scanner.h"

namespace rb {

namespace {

Status verify_block(BlockReader& reader, ByteView block) {
  RB_TRY(reader.open(block));
  for (std::size_t i = 0; i < reader.size(); ++i)
    RB_TRY(reader.verify(i));
  return {};
}

std::uint64_t record_end(const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
  const PackRecordHeader header{.owner = owner, .block_bytes = static_cast<std::uint32_t>(block.size())};
  return at.offset + header.record_bytes();
}

bool has_sound_header(const File& file, std::uint64_t pack, const RepositoryId& repository) {
  std::array<std::uint8_t, kPackHeaderBytes> bytes;
  const auto read = file.read_at(0, bytes);
  if (!read || *read != bytes.size()) return false;
  const auto header = decode_pack_header(bytes);
  return header && header->number == pack && header->repository == repository;
}

}  // namespace

Result<PackContents> read_pack_contents(RepositoryCore& core, std::uint64_t pack, KernelCache cache,
                                        Pace& pace) {
  RB_TRY(const auto file, core.file_system().open(core.packs().path(pack), OpenMode::read));
  if (cache == KernelCache::drop) file->drop_cache();
  PackContents contents;
  RB_TRY(contents.bytes, core.packs().durable_end(pack));
  const PacedFile paced(*file, pace);
  BlockReader reader;
  std::uint64_t reached = std::min<std::uint64_t>(kPackHeaderBytes, contents.bytes);
  const auto visit = [&](const PackPosition& at, const PackRecordOwner& owner, ByteView block) -> Status {
    RB_TRY(pace.check());
    if (const Status verified = verify_block(reader, block); !verified) {
      log(LogLevel::error, "{}, offset {}: {}", pack_file_name(pack), at.offset, verified.error().message);
      return {};  // a gap then
    }
    if (at.offset > reached) contents.gaps.push_back({reached, at.offset});
    reached = record_end(at, owner, block);
    ++contents.records;
    contents.objects += reader.size();
    return {};
  };
  const PackScanRange range{.from = {.pack = pack}, .end = contents.bytes};
  const RepositoryFormat& format = core.directory().format;
  RB_TRY(scan_pack(paced, range, format.record_key, format.id, visit));
  RB_TRY(pace.check());
  contents.header_damaged = contents.records > 0 && !has_sound_header(*file, pack, format.id);
  if (reached < contents.bytes) contents.gaps.push_back({reached, contents.bytes});
  return contents;
}

}  // namespace rb
