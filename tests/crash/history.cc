#include "crash/history.h"

#include <algorithm>

#include <fmt/format.h>

#include "support/stored_tree.h"

namespace rb::test {

namespace {

constexpr std::size_t kFilesAtFirst = 4;
constexpr std::size_t kChunkBytes = 2048;

StoredTree tree_of(const FileContents& files) {
  StoredTree tree;
  tree.chunk_bytes = kChunkBytes;
  for (const auto& [path, text] : files)
    tree.file(path, text);
  return tree;
}

}  // namespace

Result<std::unique_ptr<Store>> store_of(Machine& machine, const NodePromises& node) {
  RB_TRY(const Caller caller, machine.repository().registry().authenticate(node.credential));
  return machine.repository().store_for(caller);
}

NodePromises& History::node(const std::string& name) {
  const auto found = std::ranges::find(nodes_, name, &NodePromises::name);
  RB_ASSERT(found != nodes_.end());
  return *found;
}

// Inline, one chunk or a list of chunks.
std::string History::content() {
  constexpr std::size_t kSizes[] = {100, 700, 1800, 5000};
  std::string text(kSizes[below(4)], '\0');
  for (char& c : text)
    c = static_cast<char>(random_());
  return text;
}

void History::churn(NodePromises& node) {
  auto file = node.files.begin();
  std::advance(file, static_cast<std::ptrdiff_t>(below(node.files.size())));
  file->second = content();
  if (node.files.size() > kFilesAtFirst) node.files.erase(node.files.begin());
  node.files[fmt::format("/d{}/f{}", below(3), ++last_file_)] = content();
}

Status History::admit(Machine& machine, NodePromises& node) {
  NodeRegistry& registry = machine.repository().registry();
  RB_TRY(const Invitation invitation, registry.invite({.node = node.name, .group = node.group}));
  node.credential = random_credential();
  node.in_doubt = true;
  RB_TRY(registry.join({invitation.secret, node.credential}));
  node.in_doubt = false;
  node.may_come_in = true;
  return {};
}

Status History::join(Machine& machine, const std::string& name, const std::string& group) {
  NodePromises& node = nodes_.emplace_back();
  node.name = name;
  node.group = group;
  for (std::size_t i = 0; i < kFilesAtFirst; ++i)
    node.files[fmt::format("/d{}/f{}", i % 2, ++last_file_)] = content();
  return admit(machine, node);
}

Status History::join_again(Machine& machine, const std::string& name) {
  return admit(machine, node(name));
}

Status History::remove(Machine& machine, const std::string& name) {
  NodePromises& gone = node(name);
  gone.in_doubt = true;
  RB_TRY(machine.repository().registry().remove(name));
  gone.in_doubt = false;
  gone.may_come_in = false;
  gone.revoked.push_back(gone.credential);
  return {};
}

Status History::back_up(Machine& machine, NodePromises& node) {
  RB_TRY(const std::unique_ptr<Store> store, store_of(machine, node));
  const auto files = std::make_shared<const FileContents>(node.files);
  node.unanswered.push_back(files);
  RB_TRY(const SnapshotInfo made, tree_of(node.files).commit(*store));
  node.unanswered.pop_back();
  node.snapshots[made.id] = {.sequence = made.sequence, .files = files};
  ++deeds_.commits;
  return {};
}

Status History::back_up_all(Machine& machine) {
  for (NodePromises& node : nodes_) {
    if (!node.may_come_in) continue;
    churn(node);
    RB_TRY(back_up(machine, node));
  }
  return {};
}

Status History::back_up_unchanged(Machine& machine) {
  for (NodePromises& node : nodes_) {
    if (node.may_come_in && !node.in_doubt) RB_TRY(back_up(machine, node));
  }
  return {};
}

Status History::abort_a_backup(Machine& machine, const std::string& name) {
  RB_TRY(const std::unique_ptr<Store> store, store_of(machine, node(name)));
  RB_TRY(const std::unique_ptr<Session> session, store->begin({.run = random_id<RunId>()}));
  StoredTree tree = tree_of({{"/aborted/a", content()}, {"/aborted/b", content()}});
  RB_TRY(tree.put(*session));
  return session->flush();
}

// What would go is in doubt until it is said to be gone.
Status History::prune(Machine& machine) {
  HistoryKeeper& keeper = machine.repository().history();
  RB_TRY(const auto planned, keeper.prune({.node = {}, .dry_run = true, .snapshots = true}));
  std::vector<PromisedSnapshot*> going;
  for (const PrunedNode& pruned : planned) {
    NodePromises& of = node(pruned.name);
    for (const JudgedSnapshot& judged : pruned.snapshots) {
      const auto known = of.snapshots.find(judged.info.id);
      if (judged.reasons.empty() && known != of.snapshots.end()) going.push_back(&known->second);
    }
  }
  for (PromisedSnapshot* snapshot : going)
    snapshot->standing = Standing::in_doubt;
  RB_TRY(keeper.prune({}));
  for (PromisedSnapshot* snapshot : going)
    snapshot->standing = Standing::deleted;
  deeds_.pruned += going.size();
  return {};
}

Status History::pin_oldest(Machine& machine, const std::string& name, bool pinned) {
  NodePromises& of = node(name);
  std::pair<const SnapshotId, PromisedSnapshot>* oldest = nullptr;
  for (auto& known : of.snapshots) {
    const bool fits = known.second.standing == Standing::kept && known.second.pinned != pinned;
    if (fits && (!oldest || known.second.sequence < oldest->second.sequence)) oldest = &known;
  }
  if (!oldest) return {};
  oldest->second.pinned = false;  // until it is answered
  RB_TRY(machine.repository().history().pin(name, to_hex(oldest->first), pinned));
  oldest->second.pinned = pinned;
  return {};
}

Status History::undelete(Machine& machine, const std::string& name) {
  RB_TRY(const auto listed, machine.repository().history().snapshots(name));
  for (const KeptSnapshot& snapshot : listed) {
    const auto known = node(name).snapshots.find(snapshot.info.id);
    if (!snapshot.deleted || known == node(name).snapshots.end()) continue;
    known->second.standing = Standing::in_doubt;
    RB_TRY(machine.repository().history().undelete(name, to_hex(known->first)));
    known->second.standing = Standing::kept;
    ++deeds_.undeleted;
    return {};
  }
  return {};
}

Status History::collect(Machine& machine) {
  RB_TRY(const CollectionReport report, machine.collect());
  deeds_.rows_freed += report.dead;
  deeds_.packs_unlinked += report.packs_unlinked;
  deeds_.bytes_copied += report.bytes_copied;
  return {};
}

Status History::look_after_packs(Machine& machine) {
  RB_TRY(const std::uint64_t corrected, machine.look_after_packs());
  deeds_.sectors_corrected += corrected;
  return {};
}

Status History::rebuild(Machine& machine) {
  machine.stop();
  machine.lose_catalog();
  RB_TRY(machine.start());
  ++deeds_.rebuilds;
  return {};
}

}  // namespace rb::test
