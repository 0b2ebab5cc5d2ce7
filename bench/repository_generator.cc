// Writes a repository of many objects, the way backups would have left it: some nodes, each with a large tree
// and a daily history that changes a little of it, all through the sessions of the server's own library. The
// same for a seed, but for what the repository itself draws at random. Memory: 32 bytes for each directory.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "chunk/block_codec.h"
#include "format/snapshot.h"
#include "repository/local_repository.h"
#include "store/store.h"
#include "tree/directory_builder.h"

namespace {

using namespace rb;

constexpr std::size_t kFilesPerDirectory = 100;
constexpr std::size_t kDirectoriesPerShelf = 100;  // so that a change writes small pages on its way up
constexpr double kHistoryShare = 0.1;  // of all objects, what the history adds to the first snapshots
constexpr std::int64_t kDaySeconds = 86400;
constexpr std::uint32_t kFirstUid = 20'000;

struct Settings {
  std::string directory;
  std::uint64_t objects = 1'000'000;
  std::uint64_t nodes = 4;
  std::uint64_t snapshots = 1000;  // of all nodes together
  std::uint64_t chunk_bytes = 300;
  std::uint64_t seed = 1;
};

// Days pass when they are told to; leases go by the real time.
class DayClock final : public Clock {
 public:
  explicit DayClock(std::uint64_t days)
      : now_(system_.wall().seconds - static_cast<std::int64_t>(days) * kDaySeconds) {}
  Timestamp wall() const override { return {now_, 0}; }
  std::chrono::nanoseconds monotonic() const override { return system_.monotonic(); }
  void next_day() { now_ += kDaySeconds; }

 private:
  SystemClock system_;
  std::int64_t now_;
};

// SplitMix64: fast, and every seed is a good one.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  void fill(Bytes& bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t number = next();
      std::memcpy(bytes.data() + at, &number, std::min(sizeof number, bytes.size() - at));
    }
  }

 private:
  std::uint64_t state_;
};

// Objects into blocks, and these into a session.
class SessionSink final : public ObjectSink {
 public:
  explicit SessionSink(Session& session) : session_(session) {}

  Status put_named(const ObjectId& id, Object object) override {
    RB_ASSERT(is_metadata(object.kind));
    if (metadata_.full_for(object.payload.size(), object.refs.size())) RB_TRY(send_metadata());
    metadata_.add(id, object.kind, object.refs, object.payload);
    ++objects_;
    return {};
  }
  Result<ObjectId> put_chunk(ByteView bytes) {
    if (data_.full_for(bytes.size(), 0)) RB_TRY(session_.put(data_.finish()));
    const ObjectId id = object_id(ObjectKind::chunk, {}, bytes);
    data_.add(id, ObjectKind::chunk, {}, bytes);
    ++objects_;
    return id;
  }
  Status flush() {
    RB_TRY(send_metadata());
    return session_.flush();
  }
  std::uint64_t objects() const { return objects_; }

 private:
  // What pages refer to goes first.
  Status send_metadata() {
    if (!data_.empty()) RB_TRY(session_.put(data_.finish()));
    return metadata_.empty() ? Status{} : session_.put(metadata_.finish());
  }

  Session& session_;
  BlockBuilder data_{BlockClass::data, {.off = true}};  // the contents don't compress
  BlockBuilder metadata_{BlockClass::metadata, {.level = 1}};
  std::uint64_t objects_ = 0;
};

Entry describe(std::string name, EntryType type, ContentKind content_kind, const ObjectId& content) {
  Entry entry;
  entry.name = std::move(name);
  entry.type = type;
  entry.mode = type == EntryType::directory ? 0755 : 0644;
  entry.user = entry.group = "ana";
  entry.uid = entry.gid = 1000;
  entry.mtime = {1'700'000'000, 0};
  entry.content_kind = content_kind;
  entry.content = content;
  return entry;
}

// A node's tree: shelves of directories of files. Only the ids of directories are remembered.
class NodeTree {
 public:
  NodeTree(std::uint64_t seed, std::uint64_t directory_count, std::size_t chunk_bytes)
      : numbers_(seed), directories_(directory_count), chunk_(chunk_bytes) {}

  // All of it, the first time.
  Result<ObjectId> write_all(SessionSink& sink) {
    for (ObjectId& directory : directories_) {
      RB_TRY(directory, write_directory(sink));
    }
    const std::size_t shelf_count = (directories_.size() + kDirectoriesPerShelf - 1) / kDirectoriesPerShelf;
    for (std::size_t shelf = 0; shelf < shelf_count; ++shelf) {
      RB_TRY(const ObjectId id, write_shelf(sink, shelf));
      shelves_.push_back(id);
    }
    return write_root(sink);
  }

  // Some directories get new contents.
  Result<ObjectId> change(SessionSink& sink, std::uint64_t count) {
    std::vector<bool> is_changed(shelves_.size());
    std::set<std::uint64_t> changed;  // each once, or nobody would refer to its first contents
    while (changed.size() < std::min<std::uint64_t>(count, directories_.size()))
      changed.insert(numbers_.below(directories_.size()));
    for (const std::uint64_t at : changed) {
      RB_TRY(directories_[at], write_directory(sink));
      is_changed[at / kDirectoriesPerShelf] = true;
    }
    for (std::size_t shelf = 0; shelf < shelves_.size(); ++shelf) {
      if (!is_changed[shelf]) continue;
      RB_TRY(shelves_[shelf], write_shelf(sink, shelf));
    }
    return write_root(sink);
  }

 private:
  Result<ObjectId> write_directory(SessionSink& sink) {
    DirectoryBuilder builder(sink);
    for (std::size_t i = 0; i < kFilesPerDirectory; ++i) {
      numbers_.fill(chunk_);
      RB_TRY(const ObjectId chunk, sink.put_chunk(chunk_));
      Entry file = describe(fmt::format("file{:02}", i), EntryType::file, ContentKind::chunk, chunk);
      file.size = chunk_.size();
      RB_TRY(builder.add(std::move(file)));
    }
    return builder.finish();
  }
  Result<ObjectId> write_shelf(SessionSink& sink, std::size_t shelf) {
    const std::size_t first = shelf * kDirectoriesPerShelf;
    const std::size_t end = std::min(first + kDirectoriesPerShelf, directories_.size());
    return write_names(sink, "directory", std::span(directories_).subspan(first, end - first));
  }
  Result<ObjectId> write_root(SessionSink& sink) {
    RB_TRY(const ObjectId top, write_names(sink, "shelf", shelves_));
    return sink.put(encode_tree_page({.level = 0,
                                      .entries = {describe("", EntryType::directory, ContentKind::tree, top)},
                                      .children = {}}));
  }
  static Result<ObjectId> write_names(SessionSink& sink, std::string_view prefix,
                                      std::span<const ObjectId> ids) {
    DirectoryBuilder builder(sink);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      RB_TRY(builder.add(
          describe(fmt::format("{}{:06}", prefix, i), EntryType::directory, ContentKind::tree, ids[i])));
    }
    return builder.finish();
  }

  Numbers numbers_;
  std::vector<ObjectId> directories_, shelves_;
  Bytes chunk_;
};

class Generator {
 public:
  explicit Generator(const Settings& settings)
      : settings_(settings), days_(settings.snapshots / settings.nodes), clock_(days_) {
    const std::uint64_t commits = days_ * settings.nodes;
    const double of_history = kHistoryShare * static_cast<double>(settings.objects);
    changes_ = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(of_history / static_cast<double>(commits * kFilesPerDirectory)));
    // Of a commit: its directories and shelves, pages of the root, the snapshot.
    const std::uint64_t history = commits * (changes_ * (kFilesPerDirectory + 2) + 4);
    const std::uint64_t first = settings.objects > history ? settings.objects - history : 0;
    const std::uint64_t directories =
        std::max<std::uint64_t>(1, first / (settings.nodes * (kFilesPerDirectory + 1)));
    for (std::uint64_t node = 0; node < settings.nodes; ++node)
      trees_.emplace_back(settings.seed * 1'000'003 + node, directories, settings.chunk_bytes);
  }

  Status run() {
    RB_TRY(repository_, LocalRepository::open(settings_.directory, {.clock = &clock_}));
    for (std::uint64_t day = 0; day < days_; ++day) {
      for (std::uint64_t node = 0; node < settings_.nodes; ++node)
        RB_TRY(back_up(node, day == 0));
      clock_.next_day();
    }
    fmt::print("{{\"objects\": {}, \"snapshots\": {}, \"stored_bytes\": {}}}\n", objects_,
               days_ * settings_.nodes, repository_->state().stored_bytes);
    return {};
  }

 private:
  Status back_up(std::uint64_t node, bool is_first) {
    const LocalUser user{.uid = kFirstUid + static_cast<std::uint32_t>(node),
                         .name = fmt::format("generated{}", node)};
    RB_TRY(const auto store, repository_->store_for(user));
    RB_TRY(const auto session, store->begin({.run = random_id<RunId>(),
                                             .cached_tree = std::nullopt,
                                             .base = std::nullopt,
                                             .client_version = "generator",
                                             .boot_id = {},
                                             .client_address = {}}));
    SessionSink sink(*session);
    Snapshot snapshot;
    RB_TRY(snapshot.root, is_first ? trees_[node].write_all(sink) : trees_[node].change(sink, changes_));
    snapshot.client_time = clock_.wall();
    snapshot.host = user.name;
    RB_TRY(const ObjectId id, sink.put(encode_snapshot(snapshot)));
    RB_TRY(sink.flush());
    const auto& head = session->info().head;
    RB_TRY(const CommitResult result,
           session->commit({.snapshot = id, .expected_head = head ? std::optional(head->id) : std::nullopt}));
    if (!result.committed) return fail(Errc::conflict, "somebody else writes to this repository");
    objects_ += sink.objects();
    return {};
  }

  const Settings settings_;
  const std::uint64_t days_;
  DayClock clock_;
  std::unique_ptr<LocalRepository> repository_;
  std::vector<NodeTree> trees_;
  std::uint64_t changes_ = 0;  // directories of a commit
  std::uint64_t objects_ = 0;
};

std::optional<Settings> parse(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) return std::nullopt;
  Settings settings;
  settings.directory = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i], value = argv[i + 1];
    std::uint64_t* number = name == "--objects"       ? &settings.objects
                            : name == "--nodes"       ? &settings.nodes
                            : name == "--snapshots"   ? &settings.snapshots
                            : name == "--chunk-bytes" ? &settings.chunk_bytes
                            : name == "--seed"        ? &settings.seed
                                                      : nullptr;
    if (!number) return std::nullopt;
    const auto [end, error] = std::from_chars(value.begin(), value.end(), *number);
    if (error != std::errc() || end != value.end()) return std::nullopt;
  }
  const bool is_sound = settings.nodes > 0 && settings.snapshots >= settings.nodes &&
                        settings.chunk_bytes > 256 && settings.chunk_bytes <= 1 << 20;
  return is_sound ? std::optional(settings) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Settings> settings = parse(argc, argv);
  if (!settings) {
    std::fputs(
        "usage: repository_generator DIR [--objects N] [--nodes N] [--snapshots N, at least one a node]\n"
        "                            [--chunk-bytes N, 257 to 1048576] [--seed N]\n",
        stderr);
    return 2;
  }
  Generator generator(*settings);
  const Status done = generator.run();
  if (done) return 0;
  fmt::print(stderr, "repository_generator: {}\n", done.error().message);
  return 1;
}
