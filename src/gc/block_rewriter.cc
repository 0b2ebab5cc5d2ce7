#include "gc/block_rewriter.h"

#include "base/log.h"
#include "chunk/block_codec.h"
#include "repository/acceptance.h"

namespace rb {

struct BlockRewriter::Collected {
  explicit Collected(BlockClass block_class) : builder(block_class) {}
  BlockBuilder builder;
  std::vector<MovedObject> objects;  // in the order of the block
};

struct BlockRewriter::Unpacker {
  BlockReader reader;
};

namespace {

bool is_sealed(BlockSuite suite) {
  return suite != BlockSuite::plain_raw && suite != BlockSuite::plain_zstd;
}

}  // namespace

BlockRewriter::BlockRewriter(CollectorPack& pack, double dead_share)
    : pack_(pack), dead_share_(dead_share), unpacker_(std::make_unique<Unpacker>()) {}
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

Result<PackPosition> BlockRewriter::append(const PackRecordOwner& owner, ByteView block) {
  RB_TRY(const PackPosition at, pack_.append(owner, block));
  bytes_[owner.node] += block.size();
  return at;
}

Status BlockRewriter::copy_whole(const LiveRecord& record) {
  RB_TRY(const PackPosition to, append(record.owner, record.block));
  const std::uint32_t share = share_of(record.block, record.directory);
  for (const std::uint32_t i : record.live) {
    moved_.push_back({.domain = record.owner.domain,
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
  const Key key{record.owner.domain, record.owner.node, record.directory.block_class};
  Collected& collected = collected_.try_emplace(key, record.directory.block_class).first->second;
  for (const std::uint32_t i : record.live) {
    if (const Status same = reader.verify(i); !same) {
      log(LogLevel::warning, "pack {}, offset {}: {}; it stays where it is", record.at.pack, record.at.offset,
          same.error().message);
      continue;
    }
    const BlockReader::Item item = reader.item(i);
    const BlockObject& object = *item.object;
    if (!collected.builder.empty() && collected.builder.full_for(item.payload.size(), object.refs.size())) {
      RB_TRY(write_collected(key, collected));
    }
    collected.builder.add(object.id, object.kind, object.refs, item.payload);
    collected.objects.push_back(
        {.domain = record.owner.domain, .id = object.id, .from = record.at, .from_index = i});
  }
  return {};
}

Status BlockRewriter::write_collected(const Key& key, Collected& collected) {
  if (collected.builder.empty()) return {};
  const Bytes block = collected.builder.finish();
  const auto& [domain, node, block_class] = key;
  RB_TRY(const PackPosition to, append({.node = node, .domain = domain}, block));
  RB_TRY(const BlockDirectory directory, decode_block_directory(block));
  RB_ASSERT(directory.objects.size() == collected.objects.size());
  std::uint32_t index = 0;
  for (MovedObject& object : collected.objects) {
    RB_ASSERT(directory.objects[index].id == object.id);
    object.to = to;
    object.to_index = index++;
    object.share_bytes = share_of(block, directory);
    moved_.push_back(object);
  }
  collected.objects.clear();
  return {};
}

Status BlockRewriter::finish() {
  for (auto& [key, collected] : collected_)
    RB_TRY(write_collected(key, collected));
  return {};
}

std::vector<MovedObject> BlockRewriter::take_moved() {
  return std::exchange(moved_, {});
}

std::uint64_t BlockRewriter::bytes_copied() const {
  std::uint64_t sum = 0;
  for (const auto& [node, bytes] : bytes_)
    sum += bytes;
  return sum;
}

}  // namespace rb
