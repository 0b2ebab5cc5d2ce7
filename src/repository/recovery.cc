#include "repository/recovery.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "repository/acceptance.h"

namespace rb {

namespace {

// Rows collected before they go to the catalog.
constexpr std::size_t kTableRows = 65536;

class Recovery {
 public:
  Recovery(PackStore& packs, ObjectIndex& index, const RecoveryContext& context)
      : packs_(packs), index_(index), context_(context), counted_from_(index.counted_until()) {}

  Result<RecoveryResult> run(const PackPosition& from);

 private:
  enum class Rule { only_complete, also_named };
  // Inserts the objects of one block as the rule says. Gives how many it did not insert.
  Result<std::size_t> admit(const AppendedBlock& record, const BlockDirectory& block, Rule rule);
  Status visit(const PackPosition& at, const PackRecordOwner& owner, ByteView block);
  Result<bool> retry_deferred(Rule rule);
  Status name_from_the_top();
  Result<bool> name_references(const PackPosition& at);
  Status note_elsewhere(const FoundObject& row, const AppendedBlock& record);
  Status move_rows(const PackPosition& next);
  Status drop_what_came();

  PackStore& packs_;
  ObjectIndex& index_;
  const RecoveryContext& context_;
  RecoveryResult result_;
  std::vector<PackPosition> deferred_;  // blocks with objects whose references were not all there yet
  std::unordered_set<DomainKey, DomainKeyHash> named_;    // of what is incomplete: kept snapshots lead to it
  std::unordered_set<DomainKey, DomainKeyHash> missing_;  // of what incomplete ones refer to
  std::uint64_t admitted_ = 0;
  bool age_is_doubtful_ = false;
  const PackPosition counted_from_;
};

Result<RecoveryResult> Recovery::run(const PackPosition& from) {
  RB_TRY(const PackStore::ScanResult scanned,
         packs_.scan(from, [this](const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
           return visit(at, owner, block);
         }));
  result_.records = scanned.records;
  result_.skipped_bytes = scanned.skipped_bytes;
  // Records stand in the order of their acceptance, so there is little to do here unless packs were rewritten
  // or lost.
  for (bool progress = true; progress && !deferred_.empty();) {
    RB_TRY(progress, retry_deferred(Rule::only_complete));
  }
  if (!deferred_.empty()) {
    RB_TRY(name_from_the_top());
    RB_TRY(retry_deferred(Rule::also_named));
    RB_TRY(drop_what_came());
  }
  deferred_.clear();
  RB_TRY(move_rows(packs_.end()));
  return result_;
}

Status Recovery::visit(const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
  if (index_.table_size() >= kTableRows) RB_TRY(move_rows(at));
  if (index_.was_relocated_into(at.pack)) return {};
  const auto directory = decode_block_directory(block);
  if (!directory || !context_.known_domain(owner.domain)) {
    log(LogLevel::warning, "pack {}, offset {}: the record makes no sense and is passed over", at.pack,
        at.offset);
    return {};
  }
  const AppendedBlock found{.owner = owner, .at = at, .share_bytes = share_of(block, *directory)};
  // Once for each record, however often a start is interrupted and visits it again.
  if (at >= counted_from_) index_.count_bytes(found, block.size());
  RB_TRY(const std::size_t left_out, admit(found, *directory, Rule::only_complete));
  if (left_out > 0) deferred_.push_back(at);
  return {};
}

Result<bool> Recovery::retry_deferred(Rule rule) {
  const std::uint64_t admitted_before = admitted_;
  std::vector<PackPosition> still_deferred;
  for (const PackPosition& at : deferred_) {
    auto record = packs_.read(at);
    if (!record) return std::unexpected(record.error());
    RB_TRY(const BlockDirectory directory, decode_block_directory(record->block));
    const AppendedBlock found{
        .owner = record->owner, .at = at, .share_bytes = share_of(record->block, directory)};
    RB_TRY(const std::size_t left_out, admit(found, directory, rule));
    if (left_out > 0) still_deferred.push_back(at);
    if (index_.table_size() >= kTableRows) RB_TRY(move_rows(packs_.end()));
  }
  deferred_ = std::move(still_deferred);
  return admitted_ > admitted_before;
}

// Parents stand after what they refer to, so backwards once is nearly enough.
Status Recovery::name_from_the_top() {
  RB_TRY(context_.visit_kept_snapshots([this](std::uint32_t domain, const ObjectId& object) {
    named_.insert(DomainKey{domain, object});
  }));
  for (bool progress = true; progress;) {
    progress = false;
    for (auto at = deferred_.rbegin(); at != deferred_.rend(); ++at) {
      RB_TRY(const bool more, name_references(*at));
      progress = progress || more;
    }
  }
  return {};
}

Result<bool> Recovery::name_references(const PackPosition& at) {
  RB_TRY(const PackStore::Record record, packs_.read(at));
  RB_TRY(const BlockDirectory block, decode_block_directory(record.block));
  const std::uint32_t domain = record.owner.domain;
  std::vector<ObjectId> refs;
  for (auto object = block.objects.rbegin(); object != block.objects.rend(); ++object) {
    if (!named_.contains(DomainKey{domain, object->id})) continue;
    refs.insert(refs.end(), object->refs.begin(), object->refs.end());
  }
  RB_TRY(const ObjectIndex::Answer known, index_.find(domain, refs));
  bool more = false;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    if (known.found[i] && known.found[i]->complete()) continue;
    more = named_.insert(DomainKey{domain, refs[i]}).second || more;
  }
  return more;
}

Status Recovery::note_elsewhere(const FoundObject& row, const AppendedBlock& record) {
  if (age_is_doubtful_ || row.row.at == record.at) return {};
  age_is_doubtful_ = true;
  return context_.on_doubtful_age();
}

// Of what was missing when its parent was admitted some has come with a later record.
Status Recovery::drop_what_came() {
  std::vector<DomainKey> missing;
  for (const DomainKey& key : missing_) {
    RB_TRY(const ObjectIndex::Answer answer, index_.find(key.domain, std::span(&key.id, 1)));
    if (!answer.found[0]) missing.push_back(key);
  }
  result_.missing = std::move(missing);
  return {};
}

// Everything before `next` was visited, and what stands before the first deferred block is done.
Status Recovery::move_rows(const PackPosition& next) {
  const PackPosition done = deferred_.empty() ? next : std::min(next, deferred_.front());
  index_.settle(0, done, std::max(next, counted_from_));
  return index_.move_to_catalog();
}

Result<std::size_t> Recovery::admit(const AppendedBlock& record, const BlockDirectory& block, Rule rule) {
  std::unordered_map<ObjectId, std::size_t, SeededIdHash> places;
  std::vector<ObjectId> ids;
  const auto note = [&](const ObjectId& id) {
    if (places.emplace(id, ids.size()).second) ids.push_back(id);
  };
  for (const BlockObject& object : block.objects) {
    note(object.id);
    for (const ObjectId& ref : object.refs)
      note(ref);
  }
  RB_TRY(ObjectIndex::Answer known, index_.find(record.owner.domain, ids));

  std::vector<NewObject> objects;
  std::size_t left_out = 0;
  for (std::uint32_t i = 0; i < block.objects.size(); ++i) {
    const BlockObject& object = block.objects[i];
    const std::size_t place = places.at(object.id);
    auto& row = known.found[place];
    if (row && row->complete()) {
      RB_TRY(note_elsewhere(*row, record));
      continue;
    }
    NewObject added;
    bool complete = true;
    for (const ObjectId& ref : object.refs) {
      const auto& child = known.found[places.at(ref)];
      if (child) added.children.push_back(child->row.number);
      complete = complete && child && child->complete() && may_refer(object.kind, child->row.kind);
    }
    if (!complete && rule == Rule::only_complete) {
      ++left_out;
      continue;
    }
    if (row && !complete) continue;
    if (!complete && !named_.contains(DomainKey{record.owner.domain, object.id})) continue;
    added.id = object.id;
    added.kind = object.kind;
    added.index = i;
    added.flags = complete ? 0 : kRowIncomplete;
    added.replaces = row.has_value();  // by a good copy of it
    added.replaces_dead_row = known.has_dead_row(place);
    added.number = row ? row->row.number : index_.reserve_numbers(1);
    row = FoundObject{ObjectRow{added.number, added.kind, added.flags, record.at, i, record.share_bytes}};
    if (!complete) {
      ++result_.incomplete_objects;
      for (const ObjectId& ref : object.refs) {
        if (!known.found[places.at(ref)] && missing_.size() < kMissingMax)
          missing_.insert({record.owner.domain, ref});
      }
    }
    objects.push_back(std::move(added));
  }
  admitted_ += objects.size();
  if (!objects.empty()) index_.insert(record, std::move(objects));
  return left_out;
}

}  // namespace

Result<RecoveryResult> recover_packs(PackStore& packs, ObjectIndex& index, const PackPosition& from,
                                     const RecoveryContext& context) {
  return Recovery(packs, index, context).run(from);
}

}  // namespace rb
