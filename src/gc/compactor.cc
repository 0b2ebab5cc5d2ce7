#include "gc/compactor.h"

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "gc/block_rewriter.h"

namespace rb {

namespace {

// Of small packs: how small, and how many are worth the copying.
constexpr std::uint64_t kSmallPart = 4;
constexpr std::size_t kSmallPacksMin = 8;

struct Candidate {
  std::uint64_t pack = 0;
  std::uint64_t size = 0;    // of the file
  std::uint64_t blocks = 0;  // of the blocks in it: what frames them is no reason to copy
  std::uint64_t live = 0;    // of these
  double live_share() const {
    return blocks == 0 ? 1.0 : static_cast<double>(live) / static_cast<double>(blocks);
  }
};

class Compactor {
 public:
  Compactor(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps, const CompactionOptions& options)
      : catalog_(catalog), packs_(packs), steps_(steps), options_(options) {}

  // Copies what is alive in `pack`; when enough is copied, it becomes durable and is relocated.
  Status copy(std::uint64_t pack);
  Status finish_target();
  std::uint64_t relocated_from(std::uint64_t pack) const;
  std::uint64_t bytes_copied() const { return bytes_copied_; }

 private:
  Status copy_record(const PackPosition& at, const PackRecordOwner& owner, ByteView block);
  Status relocate(std::span<const MovedObject> moved, CatalogPack target);
  Status relocate_stretch(std::span<const MovedObject> moved, std::optional<CatalogPack> new_pack);

  Catalog& catalog_;
  PackStore& packs_;
  const UnlinkSteps& steps_;
  const CompactionOptions& options_;
  std::unique_ptr<CollectorPack> target_;
  std::unique_ptr<BlockRewriter> rewriter_;
  std::map<std::uint64_t, std::uint64_t> relocated_;  // rows, by the pack they were in
  std::uint64_t bytes_copied_ = 0;
};

std::uint64_t Compactor::relocated_from(std::uint64_t pack) const {
  const auto found = relocated_.find(pack);
  return found == relocated_.end() ? 0 : found->second;
}

Status Compactor::copy(std::uint64_t pack) {
  const auto visit = [this](const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
    return copy_record(at, owner, block);
  };
  RB_TRY(const PackStore::ScanResult scanned, packs_.scan_pack(pack, visit));
  if (scanned.skipped_bytes > 0) {
    log(LogLevel::warning, "pack {}: {} bytes can't be read; what is alive there stays", pack,
        scanned.skipped_bytes);
  }
  return {};
}

Status Compactor::copy_record(const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
  const auto directory = decode_block_directory(block);
  if (!directory) return {};  // nobody's row: what is stored was checked
  std::vector<ObjectId> ids;
  for (const BlockObject& object : directory->objects)
    ids.push_back(object.id);
  RB_TRY(const auto rows, catalog_.find(owner.domain, ids));
  LiveRecord record{.at = at, .owner = owner, .directory = *directory, .block = block, .live = {}};
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    if (rows[i] && rows[i]->at == at && rows[i]->index == i) record.live.push_back(i);
  }
  if (record.live.empty()) return {};
  if (target_ && target_->size() + block.size() > options_.pack_bytes_max) RB_TRY(finish_target());
  if (!target_) {
    RB_TRY(target_, packs_.begin_collector_pack());
    rewriter_ = std::make_unique<BlockRewriter>(*target_, options_.dead_share);
  }
  return rewriter_->add(record);
}

// The copies are durable before a row names them.
Status Compactor::finish_target() {
  if (!target_) return {};
  const auto target = std::move(target_);
  const auto rewriter = std::move(rewriter_);
  RB_TRY(rewriter->finish());
  RB_TRY(target->finish());
  bytes_copied_ += rewriter->bytes_copied();
  return relocate(rewriter->take_moved(),
                  {.pack = target->number(), .writer = PackWriter::collector, .bytes = rewriter->bytes()});
}

Status Compactor::relocate(std::span<const MovedObject> moved, CatalogPack target) {
  std::optional<CatalogPack> new_pack = std::move(target);
  while (!moved.empty()) {
    const auto stretch = moved.first(std::min(moved.size(), options_.relocate_rows));
    RB_TRY(steps_.with_catalog_still([&] { return relocate_stretch(stretch, std::exchange(new_pack, {})); }));
    moved = moved.subspan(stretch.size());
  }
  return {};
}

// Requires: the catalog is still. The first stretch brings the pack's row, and its bytes to their nodes.
Status Compactor::relocate_stretch(std::span<const MovedObject> moved, std::optional<CatalogPack> new_pack) {
  CatalogBatch batch;
  if (new_pack) RB_TRY(put_pack_of_copies(catalog_, *new_pack, batch));
  RB_TRY(const auto relocated, put_new_places(catalog_, moved, batch));
  RB_TRY(catalog_.apply(batch));
  if (new_pack) steps_.stored_bytes_changed(std::move(batch.stored_bytes));
  for (const auto& [pack, rows] : relocated)
    relocated_[pack] += rows;
  return {};
}

Result<std::map<std::uint64_t, std::uint64_t>> block_bytes(Catalog& catalog) {
  std::map<std::uint64_t, std::uint64_t> by_pack;
  RB_TRY(const auto rows, catalog.pack_rows());
  for (const CatalogPack& row : rows) {
    for (const auto& [node, bytes] : row.bytes)
      by_pack[row.pack] += bytes;
  }
  return by_pack;
}

Result<std::vector<Candidate>> find_candidates(Catalog& catalog, PackStore& packs, const PackUsage& usage,
                                               std::span<const std::uint64_t> sealed) {
  std::vector<Candidate> candidates;
  const std::vector<std::uint64_t> all = packs.packs();
  RB_TRY(auto blocks, block_bytes(catalog));
  for (const std::uint64_t pack : sealed) {
    const PackUse use = usage.of(pack);
    // The highest can't be removed, so there is nothing to be won.
    if (use.rows == 0 || all.empty() || pack == all.back()) continue;
    RB_TRY(const std::uint64_t size, packs.durable_end(pack));
    candidates.push_back({.pack = pack, .size = size, .blocks = blocks[pack], .live = use.bytes});
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.live_share() < b.live_share(); });
  return candidates;
}

}  // namespace

Result<std::vector<std::uint64_t>> plan_compaction(Catalog& catalog, PackStore& packs, const PackUsage& usage,
                                                   std::span<const std::uint64_t> sealed,
                                                   const CompactionOptions& options) {
  RB_TRY(const auto candidates, find_candidates(catalog, packs, usage, sealed));
  const auto is_small = [&](const Candidate& one) { return one.size < options.pack_bytes_max / kSmallPart; };
  const auto small_count = std::count_if(candidates.begin(), candidates.end(), is_small);
  const bool joins_small = static_cast<std::size_t>(small_count) >= kSmallPacksMin;
  std::vector<std::uint64_t> planned;
  std::uint64_t budget = options.copy_bytes_max;
  for (const Candidate& one : candidates) {
    const bool is_sparse = one.live_share() < 1.0 - options.dead_share;
    if (!is_sparse && !(joins_small && is_small(one))) continue;
    if (one.live > budget) continue;
    budget -= one.live;
    planned.push_back(one.pack);
  }
  return planned;
}

Result<CompactionReport> run_compaction(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                                        const PackUsage& usage, std::span<const std::uint64_t> planned,
                                        const CompactionOptions& options,
                                        const std::atomic<bool>& cancelled) {
  Compactor compactor(catalog, packs, steps, options);
  for (const std::uint64_t pack : planned) {
    if (cancelled) break;
    RB_TRY(compactor.copy(pack));
  }
  RB_TRY(compactor.finish_target());
  CompactionReport report{.bytes_copied = compactor.bytes_copied()};
  for (const std::uint64_t pack : planned) {
    // One row that is missing may be anything; the next collection will know.
    const std::uint64_t rows = usage.of(pack).rows;
    if (rows > 0 && compactor.relocated_from(pack) == rows) report.emptied.push_back(pack);
  }
  return report;
}

}  // namespace rb
