#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/backup_test_support.h"
#include "backup/entry_reader.h"
#include "base/hash.h"
#include "format/chunk_list.h"
#include "store/object_reader.h"
#include "tree/directory_cursor.h"
#include "tree/root_tree.h"

namespace rb::test {

namespace {

std::string content_of(ObjectSource& objects, const ObjectId& id, ContentKind kind) {
  const auto object = objects.load(id);
  if (!object) return "?" + object.error().message;
  if (kind == ContentKind::chunk) return std::string(as_text((*object)->payload));
  const auto page = decode_chunk_list((*object)->refs, (*object)->payload);
  if (!page) return "?" + page.error().message;
  std::string content;
  for (const ChunkListItem& item : page->items) {
    std::string part(item.id ? 0 : item.length, '\0');
    if (item.id)
      part = content_of(objects, *item.id, page->level == 0 ? ContentKind::chunk : ContentKind::chunk_list);
    EXPECT_EQ(part.size(), item.length);
    content += part;
  }
  return content;
}

std::string describe(ObjectSource& objects, const Entry& entry) {
  std::string text;
  if (entry.type == EntryType::directory) text += "/";
  if (entry.type == EntryType::symlink) text += " -> " + entry.target;
  if (entry.type == EntryType::file) {
    std::string content;
    if (entry.content_kind == ContentKind::inline_bytes) content = as_text(entry.inline_content);
    if (entry.content_kind >= ContentKind::chunk)
      content = content_of(objects, entry.content, entry.content_kind);
    EXPECT_EQ(content.size(), entry.size) << entry.name;
    text += " = " + (content.size() <= 64 ? content : digest(content));
  }
  if (entry.type > EntryType::symlink) text += fmt::format(" [{}]", to_string(entry.type));
  if (entry.implied) text += " (implied)";
  if (entry.kept) text += fmt::format(" (kept {})", to_string(entry.kept->reason));
  return text;
}

void list_directory(ObjectSource& objects, const Entry& directory, const std::string& prefix,
                    std::vector<std::string>& lines) {
  if (directory.content_kind != ContentKind::tree) return;
  const auto entries = read_directory(objects, directory.content);
  ASSERT_TRUE(entries) << entries.error().message;
  for (const Entry& entry : *entries) {
    EXPECT_TRUE(check_entry(entry));
    lines.push_back(prefix + entry.name + describe(objects, entry));
    if (entry.type == EntryType::directory) list_directory(objects, entry, prefix + entry.name + "/", lines);
  }
}

}  // namespace

ScratchDirectory::ScratchDirectory() {
  std::string pattern = testing::TempDir() + "rbbackup.XXXXXX";
  if (!::mkdtemp(pattern.data())) std::abort();
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  remove_all(path_);
}

void remove_all(const std::string& path) {
  // rm copes with trees deeper than PATH_MAX; names here hold nothing that a shell cares for.
  const std::string command = "chmod -R u+rwx '" + path + "' 2>/dev/null; rm -rf '" + path + "'";
  if (std::system(command.c_str()) != 0) ADD_FAILURE() << "can't remove " << path;
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  ASSERT_TRUE(out.good()) << path;
}

void make_directory(const std::string& path) {
  ASSERT_EQ(::mkdir(path.c_str(), 0755), 0) << path;
}

std::string noise(std::size_t bytes, unsigned seed) {
  std::string out(bytes, '\0');
  std::uint64_t x = seed * 2654435761u + 88172645463325252ull;
  for (char& c : out) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c = static_cast<char>(x >> 24);
  }
  return out;
}

std::string digest(std::string_view content) {
  return to_hex(hash(as_bytes(content)).view().first(8));
}

void let_times_settle() {
  struct timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  FileStat stat;
  stat.ctime = {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec | 1)};
  while (!is_settled(stat, coarse_clock()))
    ::usleep(1000);
}

Client::Client() : Client(make_memory_repository(ChunkParams{})) {}

Client::Client(std::shared_ptr<MemoryRepository> repository)
    : cache_(std::make_shared<ScratchDirectory>()),
      cache_path_(*cache_ / "cache"),
      store_(std::make_unique<MemoryStore>(std::move(repository), "node")) {
  make_directory(cache_path_);
  make_directory(*cache_ / "another");
}

BackupOptions Client::options(std::vector<std::string> paths) const {
  BackupOptions options;
  options.paths = std::move(paths);
  options.cache_directory = cache_path_;
  options.host = "host";
  options.threads = 3;
  return options;
}

Result<BackupReport> Client::back_up(std::vector<std::string> paths, std::string_view flags,
                                     const std::function<void(BackupOptions&)>& adjust) {
  BackupOptions options = this->options(std::move(paths));
  options.recursive = flags.find('r') != flags.npos;
  options.remove_absent = flags.find('d') != flags.npos;
  options.dry_run = flags.find('n') != flags.npos;
  options.one_file_system = flags.find('x') != flags.npos;
  if (adjust) adjust(options);
  heard_ = {};
  BackupEvents events;
  events.on_path = [this](const std::string& path, PathOutcome outcome, std::uint64_t) {
    heard_.outcomes[path] = outcome;
  };
  events.on_failure = [this](const std::string& path, const std::string& why) {
    heard_.failures.push_back(path + ": " + why);
  };
  events.on_warning = [this](const std::string& path, const std::string& what) {
    heard_.warnings.push_back(path + ": " + what);
  };
  events.on_notice = [this](const std::string& text) { heard_.notices.push_back(text); };
  const SystemClock clock;
  BackupRun run(*store_, std::move(options), std::move(events), clock);
  return run.run();
}

std::optional<Snapshot> Client::snapshot() {
  const auto session =
      store_->begin({.run = {}, .purpose = SessionPurpose::read, .cached_tree = {}, .base = {}});
  if (!session || !(*session)->info().head) return std::nullopt;
  ObjectReader reader(**session);
  const auto object = reader.load((*session)->info().head->object);
  if (!object) return std::nullopt;
  const auto snapshot = decode_snapshot((*object)->refs, (*object)->payload);
  return snapshot ? std::optional(*snapshot) : std::nullopt;
}

std::optional<Entry> Client::entry(const std::string& path) {
  const auto head = root();
  if (!head) return std::nullopt;
  const auto session =
      store_->begin({.run = {}, .purpose = SessionPurpose::read, .cached_tree = {}, .base = {}});
  ObjectReader reader(**session);
  const auto entry = find_path(reader, *head, *split_path(path));
  return entry ? *entry : std::nullopt;
}

std::vector<std::string> Client::copy(const std::string& path) {
  const auto at = entry(path);
  if (!at) return {};
  const auto session =
      store_->begin({.run = {}, .purpose = SessionPurpose::read, .cached_tree = {}, .base = {}});
  ObjectReader reader(**session);
  std::vector<std::string> lines{"." + describe(reader, *at)};
  list_directory(reader, *at, "", lines);
  return lines;
}

}  // namespace rb::test
