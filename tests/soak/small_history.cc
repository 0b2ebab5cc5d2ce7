#include "soak/small_history.h"

#include <fmt/format.h>

#include "base/random.h"
#include "check/data_check.h"
#include "restore/history.h"
#include "store/object_reader.h"

namespace rb::test {

namespace {

constexpr std::size_t kFilesAtFirst = 8;

class SnapshotReading {
 public:
  explicit SnapshotReading(Session& session) : session_(session), objects_(session) {}

  // Errors are those of the store; what is wrong is no error.
  Status read(const SnapshotInfo& info, const FileContents& expected, std::string& wrong) {
    RB_TRY(const Snapshot snapshot, load_snapshot(objects_, info));
    std::size_t files = 0;
    const auto visit = [&](const std::string& path, const Entry& entry) -> Status {
      if (entry.type != EntryType::file) return {};
      ++files;
      RB_TRY(const std::string* const content, content_of(entry));
      const auto known = expected.find(path);
      if (known == expected.end() || known->second != *content) wrong = path + " is not what was backed up";
      return {};
    };
    RB_TRY(visit_entries(objects_, snapshot, "/", true, visit));
    if (files != expected.size()) wrong = fmt::format("{} files instead of {}", files, expected.size());
    return {};
  }

 private:
  // Snapshots share most of their contents.
  Result<const std::string*> content_of(const Entry& entry) {
    const auto known = contents_.find(entry.content);
    if (entry.content_kind != ContentKind::inline_bytes && known != contents_.end()) return &known->second;
    std::string text;
    RB_TRY(read_content(session_, entry, [&](ByteView bytes) -> Status {
      text += as_text(bytes);
      return {};
    }));
    if (entry.content_kind == ContentKind::inline_bytes || entry.size == 0) {
      short_ = std::move(text);
      return &short_;
    }
    return &(contents_[entry.content] = std::move(text));
  }

  Session& session_;
  ObjectReader objects_;
  std::map<ObjectId, std::string> contents_;
  std::string short_;
};

void note_error(Reading& reading, const Error& error) {
  if (reading.first_error.empty()) reading.first_error = error.message;
}

}  // namespace

void SmallHistory::join(LocalRepository& repository, const std::string& name, const std::string& group) {
  Node node;
  node.name = name;
  const auto invitation = repository.registry().invite({.node = name, .group = group});
  ASSERT_TRUE(invitation) << invitation.error().message;
  node.credential = {random_id<CredentialId>(), random_id<SecretKey>()};
  ASSERT_TRUE(repository.registry().join({invitation->secret, node.credential}));
  for (std::size_t i = 0; i < kFilesAtFirst; ++i)
    node.files[fmt::format("/d{}/f{}", i % 3, ++last_file_)] = content();
  nodes_.push_back(std::move(node));
}

// Inline, one chunk or a list of chunks; most of it does not shrink.
std::string SmallHistory::content() {
  constexpr std::size_t kSizes[] = {100, 3000, 9000, 9000, 50'000};
  const std::size_t size = kSizes[below(5)];
  if (below(4) == 0) return std::string(size, static_cast<char>('a' + below(26)));
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random_());
  return text;
}

void SmallHistory::churn(Node& node) {
  auto file = node.files.begin();
  std::advance(file, static_cast<std::ptrdiff_t>(below(node.files.size())));
  file->second = content();
  if (node.files.size() > kFilesAtFirst) node.files.erase(node.files.begin());
  node.files[fmt::format("/d{}/f{}", below(4), ++last_file_)] = content();
}

std::unique_ptr<Store> SmallHistory::store_of(LocalRepository& repository, const Node& node) {
  const auto caller = repository.registry().authenticate(node.credential);
  if (!caller) return nullptr;
  auto store = repository.store_for(*caller);
  return store ? std::move(*store) : nullptr;
}

void SmallHistory::back_up(LocalRepository& repository, Node& node) {
  const auto store = store_of(repository, node);
  ASSERT_TRUE(store);
  StoredTree tree;
  tree.chunk_bytes = 16 << 10;
  for (const auto& [path, text] : node.files)
    tree.file(path, text);
  const auto made = tree.commit(*store);
  ASSERT_TRUE(made) << node.name << ": " << made.error().message;
  node.history.push_back({*made, std::make_shared<FileContents>(node.files)});
}

void SmallHistory::live_through_a_day(LocalRepository& repository) {
  for (Node& node : nodes_) {
    churn(node);
    back_up(repository, node);
  }
}

void SmallHistory::back_up_all(LocalRepository& repository) {
  for (Node& node : nodes_)
    back_up(repository, node);
}

void SmallHistory::forget_pruned(LocalRepository& repository) {
  for (Node& node : nodes_) {
    const auto session = store_of(repository, node)->begin({.run = random_id<RunId>()});
    ASSERT_TRUE(session);
    const auto listed = (*session)->snapshots({});
    ASSERT_TRUE(listed);
    std::set<SnapshotId> there;
    for (const SnapshotInfo& info : *listed)
      there.insert(info.id);
    for (const Snapshot& snapshot : node.history) {
      if (!there.contains(snapshot.info.id)) node.pruned.insert(snapshot.info.id);
    }
    std::erase_if(node.history, [&](const Snapshot& s) { return node.pruned.contains(s.info.id); });
  }
}

std::size_t SmallHistory::snapshots() const {
  std::size_t count = 0;
  for (const Node& node : nodes_)
    count += node.history.size();
  return count;
}

void SmallHistory::read_node(LocalRepository& repository, const Node& node, bool only_head,
                             Reading& reading) {
  std::map<SnapshotId, const FileContents*> known;
  for (const Snapshot& snapshot : node.history) {
    if (!only_head || &snapshot == &node.history.back()) known[snapshot.info.id] = snapshot.files.get();
  }
  const auto give_up = [&](const Error& error) {
    note_error(reading, error);
    reading.unreadable += known.size();
  };
  const auto store = store_of(repository, node);
  if (!store) return give_up(Error(Errc::denied, node.name + " is not known"));
  const auto session = store->begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read});
  if (!session) return give_up(session.error());
  const auto listed = (*session)->snapshots({});
  if (!listed) return give_up(listed.error());
  SnapshotReading contents(**session);
  for (const SnapshotInfo& info : *listed) {
    const auto expected = known.find(info.id);
    if (expected == known.end()) {
      if (node.pruned.contains(info.id)) {
        ++reading.returned;
      } else if (!only_head) {
        reading.wrong = "a snapshot that nobody made";
      }
      continue;
    }
    const Status read = contents.read(info, *expected->second, reading.wrong);
    if (!read) note_error(reading, read.error());
    ++(read ? reading.whole : reading.unreadable);
    known.erase(expected);
  }
  reading.absent += known.size();
}

Reading SmallHistory::read(LocalRepository& repository, bool only_head) const {
  Reading reading;
  for (const Node& node : nodes_)
    read_node(repository, node, only_head, reading);
  return reading;
}

Reading SmallHistory::read(LocalRepository& repository) const {
  return read(repository, false);
}

Reading SmallHistory::read_heads(LocalRepository& repository) const {
  return read(repository, true);
}

FullCheck check_everything(LocalRepository& repository, PackKeeper& keeper, const std::string& log_path) {
  RepositoryCore& core = repository.core();
  ReadLog log(core.file_system(), log_path);
  DataCheck data(core, keeper, log);
  Pace pace;
  CheckProgress progress;
  StructureCheckReport structure;
  DataCheckReport contents;
  FullCheck result;
  const auto run = [&]() -> Status {
    RB_TRY(check_structure(core, data, pace, progress, structure));
    return data.read_all(Thoroughness::records, pace, progress, contents);
  };
  result.done = run();
  for (const Findings* findings : {&structure.findings, &contents.findings}) {
    result.damage += findings->damage_count;
    for (const Finding& finding : findings->list) {
      result.packs_corrected += finding.kind == FindingKind::corrected;
      result.text += fmt::format("{}: {}: {}\n", to_string(finding.kind), finding.where, finding.what);
    }
  }
  result.sectors_corrected = contents.sectors_corrected;
  result.parities_made = contents.parities_made;
  if (!result.done) result.text += result.done.error().message;
  return result;
}

}  // namespace rb::test
