#include "store/memory_repository.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/random.h"
#include "chunk/block_codec.h"

namespace rb {

namespace {

// The same as a real repository's: long enough for a slow line, short enough that a dead sender costs little.
constexpr std::chrono::seconds kClaimLifetime{30};
// An error names so many of the missing ids.
constexpr std::size_t kMaxNamedIds = 16;

std::unexpected<Error> fail_missing(const std::vector<ObjectId>& missing) {
  std::string text = "the block refers to objects that are not here:";
  for (std::size_t i = 0; i < missing.size() && i < kMaxNamedIds; ++i)
    text += " " + to_hex(missing[i]);
  if (missing.size() > kMaxNamedIds) text += " ...";
  return fail(Errc::missing_refs, std::move(text));
}

SnapshotId make_snapshot_id(const SnapshotInfo& info, const std::optional<SnapshotInfo>& previous) {
  Hasher hasher;
  hasher.update(info.run.view()).update(info.object.view());
  if (previous) hasher.update(previous->id.view());
  return SnapshotId::from(ByteView(hasher.digest().bytes).first(SnapshotId::kSize));
}

}  // namespace

MemoryRepository::MemoryRepository(const ChunkParams& p) : params(p), id(random_id<RepositoryId>()) {}

Status MemoryNode::check_references(const std::vector<NamedObject>& objects) const {
  std::unordered_map<ObjectId, ObjectKind> earlier;  // in this block
  std::vector<ObjectId> missing;
  for (const NamedObject& named : objects) {
    for (const ObjectId& ref : named.object.refs) {
      std::optional<ObjectKind> kind;
      if (const auto here = earlier.find(ref); here != earlier.end()) kind = here->second;
      if (const auto stored = objects_.find(ref); stored != objects_.end()) kind = stored->second.kind;
      if (!kind) {
        missing.push_back(ref);
      } else if (!may_refer(named.object.kind, *kind)) {
        return fail(Errc::invalid_argument,
                    "object " + to_hex(named.id) + " refers to one of the wrong kind");
      }
    }
    earlier.emplace(named.id, named.object.kind);
  }
  if (!missing.empty()) return fail_missing(missing);
  return {};
}

Status MemoryNode::accept(Bytes block) {
  RB_TRY(const std::vector<NamedObject> objects, unpack_block(block));
  RB_TRY(check_references(objects));
  const bool anything_new =
      std::any_of(objects.begin(), objects.end(), [&](const NamedObject& o) { return !holds(o.id); });
  if (!anything_new) return {};
  stored_bytes_ += block.size();
  blocks_.push_back(std::make_shared<const Bytes>(std::move(block)));
  for (const NamedObject& named : objects) {
    objects_.emplace(named.id, Stored{named.object.kind, blocks_.size() - 1});
    claims_.erase(named.id);
  }
  return {};
}

bool MemoryNode::claimed_by_other(std::uint64_t session, const ObjectId& id) const {
  const auto claim = claims_.find(id);
  if (claim == claims_.end() || claim->second.session == session) return false;
  const auto lease = leases_.find(claim->second.session);
  if (lease == leases_.end() || lease->second->fenced) return false;
  return clock_.monotonic() - claim->second.given < kClaimLifetime;
}

std::vector<Presence> MemoryNode::ask(std::uint64_t session, std::span<const ObjectId> ids) {
  std::vector<Presence> answers;
  answers.reserve(ids.size());
  for (const ObjectId& id : ids) {
    if (holds(id)) {
      answers.push_back(Presence::have);
    } else if (claimed_by_other(session, id)) {
      answers.push_back(Presence::wait);
    } else {
      // An id of metadata may be claimed here too, since its kind can't be seen: nobody but this session
      // makes it.
      claims_[id] = Claim{session, clock_.monotonic()};
      answers.push_back(Presence::send);
    }
  }
  return answers;
}

Result<std::vector<std::shared_ptr<const Bytes>>> MemoryNode::blocks_of(std::span<const ObjectId> ids) const {
  std::set<std::size_t> numbers;
  for (const ObjectId& id : ids) {
    const auto stored = objects_.find(id);
    if (stored == objects_.end()) return fail(Errc::not_found, "there is no object " + to_hex(id));
    numbers.insert(stored->second.block);
  }
  std::vector<std::shared_ptr<const Bytes>> blocks;
  for (const std::size_t number : numbers)
    blocks.push_back(blocks_[number]);
  return blocks;
}

Result<CommitResult> MemoryNode::commit(const RunId& run, const CommitRequest& request) {
  if (auto first = commit_of(run)) return CommitResult{true, std::move(first)};
  const auto snapshot = objects_.find(request.snapshot);
  if (snapshot == objects_.end()) return fail_missing({request.snapshot});
  if (snapshot->second.kind != ObjectKind::snapshot) {
    return fail(Errc::invalid_argument, "object " + to_hex(request.snapshot) + " is no snapshot");
  }
  const std::optional<SnapshotInfo> before = head();
  const std::optional<SnapshotId> before_id = before ? std::optional(before->id) : std::nullopt;
  if (before_id != request.expected_head) return CommitResult{false, before};
  SnapshotInfo info;
  info.sequence = before ? before->sequence + 1 : 1;
  info.received = clock_.wall();
  info.run = run;
  info.object = request.snapshot;
  info.id = make_snapshot_id(info, before);
  history_.push_back(info);
  return CommitResult{true, info};
}

std::optional<SnapshotInfo> MemoryNode::head() const {
  if (history_.empty()) return std::nullopt;
  return history_.back();
}

std::optional<SnapshotInfo> MemoryNode::commit_of(const RunId& run) const {
  const auto found =
      std::find_if(history_.begin(), history_.end(), [&](const auto& s) { return s.run == run; });
  if (found == history_.end()) return std::nullopt;
  return *found;
}

bool MemoryNode::has_snapshot(const SnapshotId& id) const {
  return std::any_of(history_.begin(), history_.end(), [&](const SnapshotInfo& s) { return s.id == id; });
}

std::vector<SnapshotInfo> MemoryNode::history_before(std::uint64_t sequence, std::size_t limit) const {
  std::vector<SnapshotInfo> out;
  for (auto s = history_.rbegin(); s != history_.rend() && out.size() < limit; ++s) {
    if (s->sequence < sequence) out.push_back(*s);
  }
  return out;
}

void MemoryNode::enter(const std::shared_ptr<MemoryLease>& lease) {
  for (auto& [number, other] : leases_) {
    other->ask_again = true;
    const bool replaced = lease->purpose == SessionPurpose::write &&
                          other->purpose == SessionPurpose::write && other->run == lease->run;
    if (replaced) other->fenced = true;
  }
  leases_.emplace(lease->number, lease);
}

void MemoryNode::leave(std::uint64_t session) {
  leases_.erase(session);
}

bool MemoryNode::is_alone(std::uint64_t session) const {
  return std::all_of(leases_.begin(), leases_.end(),
                     [&](const auto& entry) { return entry.first == session || entry.second->fenced; });
}

}  // namespace rb
