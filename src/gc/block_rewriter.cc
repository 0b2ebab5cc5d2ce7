#include "gc/block_rewriter.h"

#include "base/log.h"
#include "chunk/block_codec.h"
#include "repository/acceptance.h"

namespace rb {

struct BlockRewriter::Unpacker {
  BlockReader reader;
};

namespace {

bool is_sealed(BlockSuite suite) {
  return suite != BlockSuite::plain_raw && suite != BlockSuite::plain_zstd;
}

}  // namespace

BlockRewriter::BlockRewriter(CollectorPack& pack, double dead_share)
    : packer_(pack), dead_share_(dead_share), unpacker_(std::make_unique<Unpacker>()) {}
BlockRewriter::~BlockRewriter() = default;

// A sealed block nobody here can unpack.
bool BlockRewriter::is_copied_whole(const LiveRecord& record) const {
  const auto objects = static_cast<double>(record.directory.objects.size());
  const double dead = objects - static_cast<double>(record.live.size());
  return is_sealed(record.directory.suite) || dead <= dead_share_ * objects;
}

Status BlockRewriter::add(const LiveRecord& record) {
  return is_copied_whole(record) ? copy_whole(record) : collect(record);
}

Status BlockRewriter::copy_whole(const LiveRecord& record) {
  RB_TRY(const PackPosition to, packer_.append(record.owner, record.block));
  const std::uint32_t share = share_of(record.block, record.directory);
  for (const std::uint32_t i : record.live) {
    packer_.note_moved({.domain = record.owner.domain,
                        .id = record.directory.objects[i].id,
                        .from = record.at,
                        .from_index = i,
                        .to = to,
                        .to_index = i,
                        .share_bytes = share});
  }
  return {};
}

Status BlockRewriter::collect(const LiveRecord& record) {
  BlockReader& reader = unpacker_->reader;
  if (const Status opened = reader.open(record.block); !opened) {
    log(LogLevel::warning, "pack {}, offset {}: {}; it stays where it is", record.at.pack, record.at.offset,
        opened.error().message);
    return {};
  }
  for (const std::uint32_t i : record.live) {
    if (const Status same = reader.verify(i); !same) {
      log(LogLevel::warning, "pack {}, offset {}: {}; it stays where it is", record.at.pack, record.at.offset,
          same.error().message);
      continue;
    }
    const BlockReader::Item item = reader.item(i);
    RB_TRY(packer_.add(record.owner, {.at = record.at, .index = i}, *item.object, item.payload));
  }
  return {};
}

std::uint64_t BlockRewriter::bytes_copied() const {
  std::uint64_t sum = 0;
  for (const auto& [node, bytes] : packer_.bytes())
    sum += bytes;
  return sum;
}

}  // namespace rb
