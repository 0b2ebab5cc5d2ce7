#include "repository/recovery.h"

#include <algorithm>
#include <future>
#include <unordered_set>

#include "base/log.h"
#include "chunk/block_salvage.h"
#include "repository/acceptance.h"
#include "repository/id_places.h"

namespace rb {

namespace {

// Of packs, by which the room for what was seen is measured: small objects with their part of a record.
constexpr std::uint64_t kLeastBytesPerObject = 256;

// The objects of a record, in its order; of one that is damaged those that prove themselves.
struct RecordContent {
  struct Placed {
    std::uint32_t index = 0;
    BlockObject object;
  };
  AppendedBlock record;
  std::vector<Placed> objects;
};

RecordContent content_of(const PackPosition& at, const PackRecordOwner& owner, ByteView block,
                         BlockDirectory directory, Ticket ticket) {
  RecordContent content{
      .record = {.owner = owner, .at = at, .ticket = ticket, .share_bytes = share_of(block, directory)}};
  content.objects.reserve(directory.objects.size());
  for (BlockObject& object : directory.objects)
    content.objects.push_back({static_cast<std::uint32_t>(content.objects.size()), std::move(object)});
  return content;
}

class Recovery {
 public:
  Recovery(PackStore& packs, ObjectIndex& index, const RecoveryContext& context)
      : packs_(packs),
        index_(index),
        context_(context),
        ticket_(index.settled() + 1),
        counted_from_(index.counted_until()) {}

  Result<RecoveryResult> run(const PackPosition& from);

 private:
  enum class Rule { only_complete, also_named };
  // The ids of the record, each once, into places_; of each object, and then of what it refers to, the place
  // into uses_.
  void place_ids(const RecordContent& content);
  // Inserts the objects of one block as the rule says. Gives how many it did not insert.
  Result<std::size_t> admit(const RecordContent& content, Rule rule);
  Result<RecordContent> load(const PackPosition& at) const;
  Result<RecordContent> salvage(const PackPosition& at) const;
  Status visit_damaged(const PackPosition& at);
  Status visit(const PackPosition& at, const PackRecordOwner& owner, ByteView block);
  Result<bool> retry_deferred(Rule rule);
  Status name_from_the_top();
  Result<bool> name_references(const PackPosition& at);
  Status note_elsewhere(const FoundObject& row, const AppendedBlock& record);
  bool table_is_full() const { return unmoved_rows_ >= context_.table_rows; }
  void settle(const PackPosition& next);
  Status move_rows(const PackPosition& next);
  Status await_move();
  Status begin_load();
  Status drop_what_came();

  PackStore& packs_;
  ObjectIndex& index_;
  const RecoveryContext& context_;
  RecoveryResult result_;
  std::vector<PackPosition>
      deferred_;  // ascending: blocks with objects whose references were not all there yet
  std::unordered_set<DomainKey, DomainKeyHash> named_;    // of what is incomplete: kept snapshots lead to it
  std::unordered_set<DomainKey, DomainKeyHash> missing_;  // of what incomplete ones refer to
  IdPlaces places_;
  std::vector<std::uint32_t> uses_;
  std::uint64_t admitted_ = 0;
  Ticket ticket_;                 // of the rows that are not settled
  std::size_t unmoved_rows_ = 0;  // in the table, since the last move began
  bool is_load_ = false;
  bool age_is_doubtful_ = false;
  const PackPosition counted_from_;
  PackPosition from_;
  std::future<Status> move_;  // the last member: nothing goes before it has ended
};

Result<RecoveryResult> Recovery::run(const PackPosition& from) {
  from_ = from;
  RB_TRY(const PackStore::ScanResult scanned,
         packs_.scan(from, [this](const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
           return visit(at, owner, block);
         }));
  result_.records = scanned.records;
  result_.skipped_bytes = scanned.skipped_bytes;
  // After all that is whole, where copies of the same may stand. In the tail of a catalog that is there, what
  // is damaged was never acknowledged.
  if (from.pack == 0) {
    for (const PackPosition& at : scanned.damaged)
      RB_TRY(visit_damaged(at));
  }
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
  RB_TRY(await_move());
  settle(packs_.end());
  RB_TRY(index_.move_to_catalog());
  if (is_load_) RB_TRY(index_.end_load());
  return result_;
}

Status Recovery::visit(const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
  if (table_is_full()) RB_TRY(move_rows(at));
  if (index_.was_relocated_into(at.pack)) return {};
  const auto directory = decode_block_directory(block);
  if (!directory || !context_.known_domain(owner.domain)) {
    log(LogLevel::warning, "pack {}, offset {}: the record makes no sense and is passed over", at.pack,
        at.offset);
    return {};
  }
  const RecordContent found = content_of(at, owner, block, std::move(*directory), ticket_);
  // Once for each record, however often a start is interrupted and visits it again.
  if (at >= counted_from_) index_.count_bytes(found.record, block.size());
  RB_TRY(const std::size_t left_out, admit(found, Rule::only_complete));
  if (left_out > 0) deferred_.push_back(at);
  return {};
}

// Its rows point into the damaged record, which readers know to handle, until a check moves them.
Status Recovery::visit_damaged(const PackPosition& at) {
  if (table_is_full()) RB_TRY(move_rows(packs_.end()));
  const auto found = salvage(at);
  if (!found || !context_.known_domain(found->record.owner.domain)) return {};
  RB_TRY(const std::size_t left_out, admit(*found, Rule::only_complete));
  if (left_out > 0) deferred_.insert(std::ranges::lower_bound(deferred_, at), at);
  return {};
}

Result<RecordContent> Recovery::load(const PackPosition& at) const {
  const auto record = packs_.read(at);
  if (!record && record.error().code == Errc::corrupt) return salvage(at);
  if (!record) return std::unexpected(record.error());
  RB_TRY(BlockDirectory directory, decode_block_directory(record->block));
  return content_of(at, record->owner, record->block, std::move(directory), ticket_);
}

Result<RecordContent> Recovery::salvage(const PackPosition& at) const {
  RB_TRY(const PackStore::Remains remains, packs_.read_remains(at));
  if (!remains.owner) return fail(Errc::corrupt, "nobody knows whose record this was");
  RecordContent content{.record = {.owner = *remains.owner, .at = at, .ticket = ticket_}};
  for (SalvagedObject& one : salvage_block(remains.bytes, {})) {
    BlockObject object{
        .id = one.object.id, .kind = one.object.object.kind, .refs = std::move(one.object.object.refs)};
    content.objects.push_back({one.index, std::move(object)});
  }
  const std::size_t count = std::max<std::size_t>(content.objects.size(), 1);
  content.record.share_bytes = static_cast<std::uint32_t>(remains.bytes.size() / count);
  return content;
}

Result<bool> Recovery::retry_deferred(Rule rule) {
  const std::uint64_t admitted_before = admitted_;
  std::vector<PackPosition> still_deferred;
  for (const PackPosition& at : deferred_) {
    RB_TRY(const RecordContent content, load(at));
    RB_TRY(const std::size_t left_out, admit(content, rule));
    if (left_out > 0) still_deferred.push_back(at);
    if (table_is_full()) RB_TRY(move_rows(packs_.end()));
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
  RB_TRY(const RecordContent content, load(at));
  const std::uint32_t domain = content.record.owner.domain;
  std::vector<ObjectId> refs;
  for (auto placed = content.objects.rbegin(); placed != content.objects.rend(); ++placed) {
    const BlockObject& object = placed->object;
    if (!named_.contains(DomainKey{domain, object.id})) continue;
    refs.insert(refs.end(), object.refs.begin(), object.refs.end());
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
void Recovery::settle(const PackPosition& next) {
  const PackPosition done = deferred_.empty() ? next : std::min(next, deferred_.front());
  index_.settle(ticket_++, done, std::max(next, counted_from_));
}

// Begins it. Rows that come meanwhile have a later ticket.
Status Recovery::move_rows(const PackPosition& next) {
  RB_TRY(await_move());
  if (!is_load_) RB_TRY(begin_load());
  settle(next);
  unmoved_rows_ = 0;
  move_ = std::async(std::launch::async, [this] { return index_.move_to_catalog(); });
  return {};
}

Status Recovery::await_move() {
  return move_.valid() ? move_.get() : Status{};
}

// Most of what the packs hold is to be applied: then it is new to the catalog, and the catalog is rather
// read once than asked for each.
Status Recovery::begin_load() {
  const std::vector<std::uint64_t> packs = packs_.packs();
  const auto first = std::lower_bound(packs.begin(), packs.end(), from_.pack);
  if (2 * (packs.end() - first) < std::ssize(packs)) return {};
  is_load_ = true;
  return index_.begin_load(packs_.stored_bytes() / kLeastBytesPerObject);
}

void Recovery::place_ids(const RecordContent& content) {
  std::size_t count = content.objects.size();
  for (const auto& [index, object] : content.objects)
    count += object.refs.size();
  places_.begin(count);
  uses_.clear();
  uses_.reserve(count);
  for (const auto& [index, object] : content.objects) {
    uses_.push_back(places_.place_of(object.id));
    for (const ObjectId& ref : object.refs)
      uses_.push_back(places_.place_of(ref));
  }
}

Result<std::size_t> Recovery::admit(const RecordContent& content, Rule rule) {
  const AppendedBlock& record = content.record;
  place_ids(content);
  RB_TRY(ObjectIndex::Answer known, index_.find(record.owner.domain, places_.ids()));

  std::vector<NewObject> objects;
  std::size_t left_out = 0;
  std::span<const std::uint32_t> uses = uses_;
  for (const auto& [i, object] : content.objects) {
    const std::uint32_t place = uses.front();
    const std::span<const std::uint32_t> refs = uses.subspan(1, object.refs.size());
    uses = uses.subspan(1 + refs.size());
    auto& row = known.found[place];
    if (row && row->complete()) {
      RB_TRY(note_elsewhere(*row, record));
      continue;
    }
    NewObject added;
    bool complete = true;
    for (const std::uint32_t ref : refs) {
      const auto& child = known.found[ref];
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
      for (std::size_t ref = 0; ref < refs.size(); ++ref) {
        if (!known.found[refs[ref]] && missing_.size() < kMissingMax)
          missing_.insert({record.owner.domain, object.refs[ref]});
      }
    }
    objects.push_back(std::move(added));
  }
  admitted_ += objects.size();
  unmoved_rows_ += objects.size();
  if (!objects.empty()) index_.insert(record, std::move(objects));
  return left_out;
}

}  // namespace

Result<RecoveryResult> recover_packs(PackStore& packs, ObjectIndex& index, const PackPosition& from,
                                     const RecoveryContext& context) {
  return Recovery(packs, index, context).run(from);
}

}  // namespace rb
