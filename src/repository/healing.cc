#include "repository/healing.h"

#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "chunk/block_codec.h"

namespace rb {

namespace {

constexpr std::size_t kFindAtOnce = 4096;

// An object whose completeness is in question, and what it refers to.
struct Suspect {
  DomainKey key;
  ObjectRow row;
  bool readable = false;  // its record, which says the rest
  std::vector<ObjectId> refs;
  std::vector<ObjectId> open;  // of these, what is in question itself; the last one is judged next
};

class Healer {
 public:
  explicit Healer(RepositoryCore& core) : core_(core) {}

  Result<HealingReport> run();

 private:
  Result<std::vector<DomainKey>> flagged_snapshots();
  Status flagged_among(std::uint32_t domain, std::span<const ObjectId> ids, std::vector<DomainKey>& out);
  Status judge_quarantined();
  Status judge_beneath(const DomainKey& top);
  Result<std::optional<Suspect>> suspect_of(const DomainKey& key);
  const BlockObject* read_object(const DomainKey& key, const ObjectRow& row);
  bool open_record(const PackPosition& at);
  Result<bool> complete(const Suspect& suspect);
  Result<std::optional<std::vector<ObjectNumber>>> complete_children(const Suspect& suspect);

  RepositoryCore& core_;
  HealingReport report_;
  std::unordered_set<DomainKey, DomainKeyHash> judged_;
  // Neighbours stand in one block.
  std::optional<PackPosition> open_at_;
  PackStore::Record record_;
  BlockReader reader_;
};

Result<HealingReport> Healer::run() {
  RB_TRY(const std::vector<DomainKey> snapshots, flagged_snapshots());
  if (snapshots.empty() && core_.quarantine().size() == 0) return report_;
  // What came lately is to be in the catalog before a row there names its number: a crash could take it back.
  RB_TRY(core_.writer().persist());
  RB_TRY(judge_quarantined());
  for (const DomainKey& snapshot : snapshots)
    RB_TRY(judge_beneath(snapshot));
  if (report_.healed > 0) {
    log(LogLevel::info, "{} objects are complete again, since what they lacked has come; {} are not yet",
        report_.healed, report_.left);
  }
  return report_;
}

Result<std::vector<DomainKey>> Healer::flagged_snapshots() {
  std::map<std::uint32_t, std::vector<ObjectId>> by_domain;
  RB_TRY(core_.catalog().visit_commits([&](const CatalogCommit& commit) -> Status {
    by_domain[commit.domain].push_back(commit.snapshot.object);
    return {};
  }));
  std::vector<DomainKey> flagged;
  for (auto& [domain, ids] : by_domain) {
    std::sort(ids.begin(), ids.end());
    for (std::span<const ObjectId> rest = ids; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kFindAtOnce));
      RB_TRY(flagged_among(domain, some, flagged));
      rest = rest.subspan(some.size());
    }
  }
  return flagged;
}

Status Healer::flagged_among(std::uint32_t domain, std::span<const ObjectId> ids,
                             std::vector<DomainKey>& out) {
  RB_TRY(const ObjectIndex::Answer answer, core_.index().find(domain, ids));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (answer.found[i] && !answer.found[i]->complete()) out.push_back({domain, ids[i]});
  }
  return {};
}

// A chunk refers to nothing: only another copy helps it. What metadata refers to may be quarantined as well,
// hence the rounds.
Status Healer::judge_quarantined() {
  std::vector<QuarantinedObject> open = core_.quarantine().unresolved(core_.index());
  for (bool progress = true; progress && !open.empty();) {
    progress = false;
    std::vector<QuarantinedObject> left;
    for (const QuarantinedObject& object : open) {
      RB_TRY(const std::optional<Suspect> suspect, suspect_of({object.domain, object.id}));
      if (!suspect || suspect->row.at != object.at || !is_metadata(suspect->row.kind)) continue;
      RB_TRY(const bool healed, complete(*suspect));
      if (!healed) {
        left.push_back(object);
        continue;
      }
      RB_TRY(core_.quarantine().forget(object));
      ++report_.healed;
      progress = true;
    }
    open = std::move(left);
  }
  report_.left += open.size();
  return {};
}

// Depth first, without recursion: directories may be deep.
Status Healer::judge_beneath(const DomainKey& top) {
  std::vector<Suspect> path;
  const auto enter = [&](const DomainKey& key) -> Status {
    if (!judged_.insert(key).second) return {};
    RB_TRY(std::optional<Suspect> suspect, suspect_of(key));
    if (suspect && (suspect->row.flags & kRowIncomplete) != 0) path.push_back(std::move(*suspect));
    return {};
  };
  RB_TRY(enter(top));
  while (!path.empty()) {
    if (!path.back().open.empty()) {
      const DomainKey next{top.domain, path.back().open.back()};
      path.back().open.pop_back();
      RB_TRY(enter(next));
      continue;
    }
    RB_TRY(const bool healed, complete(path.back()));
    ++(healed ? report_.healed : report_.left);
    path.pop_back();
  }
  return {};
}

// Nothing where there is no row, or a dead one.
Result<std::optional<Suspect>> Healer::suspect_of(const DomainKey& key) {
  RB_TRY(const auto rows, core_.catalog().find(key.domain, std::span(&key.id, 1)));
  const auto dead = core_.gate().dead_set();
  if (!rows[0] || (dead && dead->contains(rows[0]->number))) return std::nullopt;
  Suspect suspect{.key = key, .row = *rows[0], .refs = {}, .open = {}};
  const BlockObject* const object = read_object(key, suspect.row);
  if (object == nullptr) return suspect;
  suspect.readable = true;
  suspect.refs = object->refs;
  RB_TRY(const auto children, core_.catalog().find(key.domain, suspect.refs));
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (children[i] && (children[i]->flags & kRowIncomplete) != 0) suspect.open.push_back(suspect.refs[i]);
  }
  return suspect;
}

// Null where it is damaged itself, and for a chunk.
const BlockObject* Healer::read_object(const DomainKey& key, const ObjectRow& row) {
  if (!is_metadata(row.kind) || !open_record(row.at) || row.index >= reader_.size()) return nullptr;
  const BlockObject* const object = reader_.item(row.index).object;
  return object->id == key.id && reader_.verify(row.index) ? object : nullptr;
}

bool Healer::open_record(const PackPosition& at) {
  if (open_at_ == at) return true;
  open_at_.reset();
  auto record = core_.packs().read(at);
  if (!record) return false;
  record_ = std::move(*record);
  if (!reader_.open(record_.block)) return false;
  open_at_ = at;
  return true;
}

// The numbers of all that it refers to; nothing when some of it is not there or not complete.
Result<std::optional<std::vector<ObjectNumber>>> Healer::complete_children(const Suspect& suspect) {
  RB_TRY(const auto rows, core_.catalog().find(suspect.key.domain, suspect.refs));
  const auto dead = core_.gate().dead_set();
  std::vector<std::optional<FoundObject>> found;
  for (const auto& row : rows)
    found.push_back(row ? std::optional(FoundObject{*row}) : std::nullopt);
  core_.quarantine().apply(suspect.key.domain, suspect.refs, found);
  std::vector<ObjectNumber> numbers;
  for (const auto& child : found) {
    const bool is_there = child && child->complete() && !(dead && dead->contains(child->row.number)) &&
                          may_refer(suspect.row.kind, child->row.kind);
    if (!is_there) return std::nullopt;
    numbers.push_back(child->row.number);
  }
  return numbers;
}

// As acceptance of the same bytes would do now. The catalog is still, so nothing dies, moves or comes between
// the look and the row; only what is in the catalog counts, so that no crash can leave the row without what
// it names.
Result<bool> Healer::complete(const Suspect& suspect) {
  if (!suspect.readable) return false;
  bool healed = false;
  RB_TRY(core_.writer().with_catalog_still([&]() -> Status {
    RB_TRY(const auto now, core_.catalog().find(suspect.key.domain, std::span(&suspect.key.id, 1)));
    const auto dead = core_.gate().dead_set();
    if (!now[0] || now[0]->number != suspect.row.number || now[0]->at != suspect.row.at) return {};
    if (dead && dead->contains(now[0]->number)) return {};
    RB_TRY(auto children, complete_children(suspect));
    if (!children) return {};
    CatalogObject object{.domain = suspect.key.domain, .id = suspect.key.id, .row = *now[0]};
    object.row.flags &= static_cast<std::uint8_t>(~kRowIncomplete);
    object.children = std::move(*children);
    core_.gate().healed(object.row.number, object.children);
    CatalogBatch batch;
    batch.objects.push_back(std::move(object));
    RB_TRY(core_.catalog().apply(batch));
    healed = true;
    return {};
  }));
  return healed;
}

}  // namespace

Result<HealingReport> heal(RepositoryCore& core) {
  return Healer(core).run();
}

}  // namespace rb
