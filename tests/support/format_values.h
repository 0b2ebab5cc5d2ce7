// Random but valid values of every format, from a seed: for property tests, fuzz corpora and benchmarks.
#pragma once

#include <algorithm>
#include <random>
#include <set>

#include "base/limits.h"
#include "format/chunk_list.h"
#include "format/snapshot.h"
#include "format/tree_page.h"

namespace rb::test {

class FormatValues {
 public:
  explicit FormatValues(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  // Small numbers mostly, sometimes any.
  std::uint64_t number() { return random_() >> below(64); }

  template <typename Id>
  Id id() {
    Id out;
    for (auto& byte : out.bytes)
      byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  // One of a few, so that references repeat.
  ObjectId common_id() {
    ObjectId out;
    out.bytes.fill(static_cast<std::uint8_t>(below(4)));
    return out;
  }
  ObjectId any_id() { return chance(20) ? common_id() : id<ObjectId>(); }

  Bytes bytes(std::size_t size) {
    Bytes out(size);
    for (auto& byte : out)
      byte = static_cast<std::uint8_t>(random_());
    return out;
  }
  Bytes bytes_up_to(std::size_t most) { return bytes(below(most + 1)); }

  // A name of raw bytes: newlines, invalid UTF-8, leading dashes; short, so that names share prefixes.
  std::string name() {
    static constexpr std::string_view kBytes = "aab-.\n\xff\x80 \x01";
    std::string out(1 + below(chance(95) ? 6 : 255), '\0');
    for (char& c : out)
      c = kBytes[below(kBytes.size())];
    return out == "." || out == ".." ? "a" : out;
  }
  Timestamp time() {
    const auto seconds = chance(90) ? static_cast<std::int64_t>(1'700'000'000 + below(1'000'000))
                                    : static_cast<std::int64_t>(random_());
    return {seconds, static_cast<std::uint32_t>(chance(20) ? 0 : below(1'000'000'000))};
  }

  Entry entry(std::string entry_name) {
    Entry e;
    e.name = std::move(entry_name);
    e.type = static_cast<EntryType>(1 + below(chance(60) ? 3 : 7));
    e.mode = static_cast<std::uint32_t>(below(010000));
    e.uid = e.gid = static_cast<std::uint32_t>(chance(80) ? 1000 + below(2) : random_());
    e.user = chance(80) ? "ana" : "";
    e.group = chance(80) ? "users" : "";
    e.mtime = time();
    if (chance(70)) e.birth = time();
    add_content(e);
    add_rare(e);
    return e;
  }

  std::vector<std::string> names(std::size_t count) {
    std::set<std::string> set;
    for (std::size_t i = 0; i < count; ++i)
      set.insert(name());
    return {set.begin(), set.end()};
  }

  TreePage leaf(std::size_t most) {
    TreePage page;
    for (std::string& n : names(below(most + 1)))
      page.entries.push_back(entry(std::move(n)));
    return page;
  }
  TreePage root_leaf() {
    TreePage page;
    Entry root{.type = EntryType::directory, .mode = 0755, .mtime = time()};
    if (chance(80)) {
      root.content_kind = ContentKind::tree;
      root.content = id<ObjectId>();
    }
    page.entries.push_back(std::move(root));
    return page;
  }
  TreePage inner(std::size_t most) {
    TreePage page;
    page.level = 1 + static_cast<int>(below(kMaxPageLevels - 1));
    for (std::string& n : names(1 + below(most))) {
      page.children.push_back(
          {.first_name = std::move(n), .entry_count = 1 + below(100'000), .id = id<ObjectId>()});
    }
    return page;
  }
  TreePage tree_page(std::size_t most) {
    if (chance(10)) return root_leaf();
    return chance(60) ? leaf(most) : inner(most);
  }

  ChunkListPage chunk_list(std::size_t most) {
    ChunkListPage page;
    page.level = chance(60) ? 0 : 1 + static_cast<int>(below(kMaxPageLevels - 1));
    const std::size_t count = 1 + below(most);
    while (page.items.size() < count) {
      const bool hole = page.level == 0 && chance(30) && (page.items.empty() || page.items.back().id);
      ChunkListItem item{.length =
                             1 + below(hole || page.level > 0 ? std::uint64_t{1} << 40 : kMaxChunkBytes)};
      if (!hole) item.id = any_id();
      page.items.push_back(item);
    }
    return page;
  }

  Snapshot snapshot() {
    Snapshot s;
    s.root = id<ObjectId>();
    s.client_time = time();
    s.host = "host";
    s.client_version = chance(50) ? "0.1.0" : "";
    for (std::string& n : names(below(5)))
      s.sources.push_back(source("/" + n));
    for (std::uint64_t* count :
         {&s.counts.created, &s.counts.changed, &s.counts.unchanged, &s.counts.removed, &s.counts.failed,
          &s.counts.bytes_read, &s.counts.bytes_new, &s.counts.bytes_sent}) {
      *count = number();
    }
    for (std::size_t i = below(4); i > 0; --i)
      s.warnings.push_back(name());
    s.merged = chance(30);
    return s;
  }

 private:
  Source source(std::string path) {
    Source s{.path = std::move(path), .completed = time(), .recursive = chance(50), .deleting = chance(50)};
    s.warnings = number();
    s.files = number();
    s.bytes = number();
    s.device = number();
    s.excludes = names(below(3));
    return s;
  }

  void add_content(Entry& e) {
    if (e.type == EntryType::symlink) e.target = name();
    if (e.type == EntryType::char_device || e.type == EntryType::block_device) e.device = number();
    if (e.type == EntryType::directory) {
      e.implied = chance(10);
      if (chance(90)) e.content_kind = ContentKind::tree;
    }
    if (e.type == EntryType::file) e.content_kind = static_cast<ContentKind>(below(4));
    if (e.content_kind == ContentKind::inline_bytes) {
      e.inline_content = bytes(1 + below(kInlineContentBytes));
      e.size = e.inline_content.size();
    } else if (e.content_kind == ContentKind::chunk) {
      e.size = 1 + below(kMaxChunkBytes);
    } else if (e.content_kind == ContentKind::chunk_list) {
      e.size = 1 + (number() >> 1);
      e.size = std::min<std::uint64_t>(e.size, INT64_MAX);
    }
    if (e.content_kind >= ContentKind::chunk) e.content = any_id();
  }

  void add_rare(Entry& e) {
    if (chance(15)) e.attributes = number();
    if (chance(15) && e.type != EntryType::directory) e.hard_link = id<HardLinkGroup>();
    if (chance(10)) e.kept = Kept{static_cast<KeptReason>(1 + below(4)), time()};
    if (chance(15)) {
      for (std::string& n : names(1 + below(3))) {
        Xattr xattr{.name = n.substr(0, kMaxXattrNameBytes)};
        if (chance(30)) {
          xattr.chunk = any_id();
        } else {
          xattr.value = bytes_up_to(40);
        }
        e.xattrs.push_back(std::move(xattr));
      }
    }
    if (chance(5)) {
      for (std::uint64_t tag = 129; chance(60); tag += 2 + 2 * below(300)) {
        e.unknown.push_back({.tag = tag, .value = bytes_up_to(20)});
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace rb::test
