#include "check/salvage.h"

#include <set>

#include "base/log.h"
#include "repository/object_packer.h"
#include "repository/record_salvage.h"

namespace rb {

namespace {

constexpr std::uint64_t kPackBytesMax = 128ull << 20;

// The rows of one damaged record. One catalog knows them all by one domain.
using RecordRows = std::map<std::pair<PackPosition, std::uint32_t>, std::vector<const LocatedRow*>>;

class Salvager {
 public:
  Salvager(RepositoryCore& core, const PayloadLengths& lengths) : core_(core), lengths_(lengths) {}

  Status take(const PackPosition& at, std::uint32_t domain, const std::vector<const LocatedRow*>& rows);
  // Everything that was taken is durable, and its rows are there.
  Status finish();
  const std::set<DomainKey>& moved() const { return moved_; }

 private:
  std::vector<KnownObject> known_of(const std::vector<const LocatedRow*>& rows) const;
  std::uint32_t node_of(std::uint32_t domain) const;
  Status add(const PackRecordOwner& owner, const LocatedRow& row, const NamedObject& object);
  Status move_rows();

  RepositoryCore& core_;
  const PayloadLengths& lengths_;
  std::unique_ptr<CollectorPack> pack_;
  std::unique_ptr<ObjectPacker> packer_;
  std::set<DomainKey> moved_;
};

Status Salvager::take(const PackPosition& at, std::uint32_t domain,
                      const std::vector<const LocatedRow*>& rows) {
  const auto record = salvage_record(core_.packs(), domain, at, known_of(rows));
  if (!record) {
    log(LogLevel::warning, "{}", record.error().message);
    return {};
  }
  std::map<ObjectId, const LocatedRow*> by_id;
  for (const LocatedRow* row : rows)
    by_id[row->id] = row;
  const PackRecordOwner owner = record->owner.value_or(PackRecordOwner{node_of(domain), domain});
  for (const SalvagedObject& one : record->objects) {
    const auto row = by_id.find(one.object.id);
    if (row == by_id.end() || row->second->row.kind != one.object.object.kind) continue;
    RB_TRY(add(owner, *row->second, one.object));
    by_id.erase(row);  // it may stand there twice
  }
  return pack_ && pack_->size() >= kPackBytesMax ? finish() : Status{};
}

std::vector<KnownObject> Salvager::known_of(const std::vector<const LocatedRow*>& rows) const {
  std::vector<KnownObject> known;
  for (const LocatedRow* row : rows) {
    KnownObject object{.index = row->row.index, .id = row->id, .kind = row->row.kind, .payload_bytes = {}};
    if (const auto length = lengths_.find(row->row.number); length != lengths_.end())
      object.payload_bytes = length->second;
    known.push_back(object);
  }
  return known;
}

// Only for whose quota it counts: of a group, whoever is first.
std::uint32_t Salvager::node_of(std::uint32_t domain) const {
  for (const NodeBook::Member& member : core_.book().members()) {
    if (member.record.node != 0 && member.record.domain == domain) return member.record.node;
  }
  return 0;
}

Status Salvager::add(const PackRecordOwner& owner, const LocatedRow& row, const NamedObject& object) {
  if (!pack_) {
    RB_TRY(core_.space().check());
    RB_TRY(pack_, core_.packs().begin_collector_pack());
    packer_ = std::make_unique<ObjectPacker>(*pack_);
  }
  const BlockObject described{.id = object.id, .kind = object.object.kind, .refs = object.object.refs};
  return packer_->add(owner, {.at = row.row.at, .index = row.row.index}, described, object.object.payload);
}

// The pack is sealed in the same step in which its rows are moved: a collection that finds it sealed counts
// them, and takes it for no pack that nobody needs.
Status Salvager::finish() {
  if (!pack_) return {};
  RB_TRY(packer_->finish());
  RB_TRY(core_.writer().with_catalog_still([&]() -> Status {
    RB_TRY(pack_->finish());
    return move_rows();
  }));
  pack_.reset();
  return {};
}

Status Salvager::move_rows() {
  const std::vector<MovedObject> objects = packer_->take_moved();
  CatalogBatch batch;
  RB_TRY(put_pack_of_copies(
      core_.catalog(), {.pack = pack_->number(), .writer = PackWriter::collector, .bytes = packer_->bytes()},
      batch));
  RB_TRY(put_new_places(core_.catalog(), objects, batch));
  RB_TRY(core_.catalog().apply(batch));
  core_.index().stored_bytes_changed(std::move(batch.stored_bytes));
  for (const MovedObject& object : objects)
    moved_.insert({object.domain, object.id});
  return {};
}

Status salvage_all(Salvager& salvager, const std::vector<LocatedRow>& lost) {
  RecordRows by_record;
  for (const LocatedRow& row : lost)
    by_record[{row.row.at, row.domain}].push_back(&row);
  for (const auto& [record, rows] : by_record)
    RB_TRY(salvager.take(record.first, record.second, rows));
  return salvager.finish();
}

}  // namespace

SalvagedCounts salvage_lost(RepositoryCore& core, const PayloadLengths& lengths,
                            std::vector<LocatedRow>& lost) {
  Salvager salvager(core, lengths);
  const Status done = salvage_all(salvager, lost);
  if (!done) log(LogLevel::error, "what is left of damaged records can't be saved: {}", done.error().message);
  SalvagedCounts counts;
  std::erase_if(lost, [&](const LocatedRow& row) {
    if (!salvager.moved().contains({row.domain, row.id})) return false;
    ++counts[row.row.at];
    return true;
  });
  for (const auto& [at, objects] : counts)
    log(LogLevel::warning, "{}, offset {}: {} objects of a damaged block were salvaged",
        core.packs().path(at.pack), at.offset, objects);
  return counts;
}

}  // namespace rb
