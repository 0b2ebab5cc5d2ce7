// Describes a tree of files and stores it in a Session, without a file system and without the backup logic:
// for tests of whatever reads snapshots.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/random.h"
#include "chunk/block_codec.h"
#include "format/chunk_list.h"
#include "format/snapshot.h"
#include "store/store.h"
#include "tree/directory_builder.h"
#include "tree/root_tree.h"

namespace rb {

// Packs objects into blocks and puts them, data before the metadata that refers to it. Not thread-safe.
class SessionSink final : public ObjectSink {
 public:
  explicit SessionSink(Session& session) : session_(session) {}

  Status put_named(const ObjectId& id, Object object) override {
    BlockBuilder& builder = is_metadata(object.kind) ? metadata_ : data_;
    if (!builder.empty() && builder.full_for(object.payload.size(), object.refs.size())) {
      RB_TRY(is_metadata(object.kind) ? send_all() : send(data_));
    }
    builder.add(id, object.kind, object.refs, object.payload);
    return {};
  }

  Status send_all() {
    RB_TRY(send(data_));
    return send(metadata_);
  }

 private:
  Status send(BlockBuilder& builder) { return builder.empty() ? Status{} : session_.put(builder.finish()); }

  Session& session_;
  BlockBuilder data_{BlockClass::data};
  BlockBuilder metadata_{BlockClass::metadata};
};

class StoredTree {
 public:
  struct Node {
    Entry entry;
    std::map<std::uint64_t, std::string> data;  // a file's content by offset; holes between
    std::map<std::string, std::unique_ptr<Node>> children;
  };

  // Contents longer than this become chunk lists; lists longer than `list_items` get another level.
  std::size_t chunk_bytes = 64 << 10;
  std::size_t list_items = 4;
  // Filled in for every new entry; the times make directories distinguishable from what was just made.
  std::uint32_t uid = ::geteuid();
  std::uint32_t gid = ::getegid();
  Timestamp mtime{1'000'000'000, 123'456'789};

  StoredTree() { fill(root_.entry, EntryType::directory, 0755); }

  // Directories on the way are made as needed. References stay valid as long as the tree.
  Entry& directory(const std::string& path, std::uint32_t mode = 0755) {
    Node& made = node(path);
    if (made.entry.type != EntryType::directory) fill(made.entry, EntryType::directory, mode);
    made.entry.mode = mode;
    return made.entry;
  }
  Entry& file(const std::string& path, std::string content, std::uint32_t mode = 0644) {
    Node& made = node(path);
    fill(made.entry, EntryType::file, mode);
    made.entry.size = content.size();
    made.data.clear();
    if (!content.empty()) made.data.emplace(0, std::move(content));
    return made.entry;
  }
  // A file of `size` bytes with these stretches of data, by offset, and holes between.
  Entry& sparse(const std::string& path, std::uint64_t size, std::map<std::uint64_t, std::string> data) {
    Entry& entry = file(path, "");
    entry.size = size;
    node(path).data = std::move(data);
    return entry;
  }
  Entry& symlink(const std::string& path, std::string target) {
    Entry& entry = special(path, EntryType::symlink, 0777);
    entry.target = std::move(target);
    return entry;
  }
  Entry& special(const std::string& path, EntryType type, std::uint32_t mode = 0644) {
    Entry& entry = node(path).entry;
    fill(entry, type, mode);
    return entry;
  }
  Entry& entry(const std::string& path) { return node(path).entry; }
  const Node& at(const std::string& path) { return node(path); }
  void remove(const std::string& path) {
    PathComponents components = split_path(path).value();
    const std::string name = components.back();
    components.pop_back();
    node(join_path(components)).children.erase(name);
  }

  // Puts everything and gives the snapshot, uncommitted.
  Result<Snapshot> put(Session& session) {
    SessionSink sink(session);
    RB_TRY(Entry root, put_node(sink, root_));
    root.name.clear();
    DirectoryBuilder page(sink);
    RB_TRY(page.add(std::move(root)));
    Snapshot snapshot;
    RB_TRY(snapshot.root, page.finish());
    RB_TRY(sink.send_all());
    return snapshot;
  }

  Result<SnapshotInfo> commit(Store& store) {
    RB_TRY(const std::unique_ptr<Session> session, store.begin({.run = random_id<RunId>()}));
    RB_TRY(const Snapshot snapshot, put(*session));
    SessionSink sink(*session);
    RB_TRY(const ObjectId id, sink.put(encode_snapshot(snapshot)));
    RB_TRY(sink.send_all());
    RB_TRY(session->flush());
    CommitRequest request{.snapshot = id};
    if (session->info().head) request.expected_head = session->info().head->id;
    RB_TRY(const CommitResult result, session->commit(request));
    if (!result.committed) return fail(Errc::conflict, "somebody else committed");
    return *result.head;
  }

 private:
  void fill(Entry& entry, EntryType type, std::uint32_t mode) const {
    const std::string name = entry.name;
    entry = Entry{};
    entry.name = name;
    entry.type = type;
    entry.mode = mode;
    entry.uid = uid;
    entry.gid = gid;
    entry.mtime = mtime;
  }

  Node& node(const std::string& path) {
    Node* at = &root_;
    const PathComponents components = split_path(path).value();
    for (const std::string& name : components) {
      std::unique_ptr<Node>& child = at->children[name];
      if (!child) {
        child = std::make_unique<Node>();
        child->entry.name = name;
        fill(child->entry, EntryType::directory, 0755);
      }
      at = child.get();
    }
    return *at;
  }

  Result<Entry> put_node(ObjectSink& sink, const Node& node) {
    Entry entry = node.entry;
    if (entry.type == EntryType::file) RB_TRY(put_content(sink, node, entry));
    if (entry.type != EntryType::directory) return entry;
    DirectoryBuilder builder(sink);
    for (const auto& [name, child] : node.children) {
      RB_TRY(Entry stored, put_node(sink, *child));
      RB_TRY(builder.add(std::move(stored)));
    }
    RB_TRY(entry.content, builder.finish());
    entry.content_kind = ContentKind::tree;
    return entry;
  }

  Status put_content(ObjectSink& sink, const Node& node, Entry& entry) {
    if (entry.size == 0) return {};
    const bool whole = node.data.size() == 1 && node.data.begin()->second.size() == entry.size;
    if (whole && entry.size <= kInlineContentBytes) {
      const ByteView bytes = as_bytes(node.data.begin()->second);
      entry.content_kind = ContentKind::inline_bytes;
      entry.inline_content.assign(bytes.begin(), bytes.end());
      return {};
    }
    RB_TRY(std::vector<ChunkListItem> items, put_chunks(sink, node, entry.size));
    if (items.size() == 1 && items[0].id) {
      entry.content_kind = ContentKind::chunk;
      entry.content = *items[0].id;
      return {};
    }
    entry.content_kind = ContentKind::chunk_list;
    for (int level = 0;; ++level) {
      const bool last = items.size() <= list_items;
      RB_TRY(items, put_list_level(sink, items, level));
      if (last) break;
    }
    entry.content = *items[0].id;
    return {};
  }

  Result<std::vector<ChunkListItem>> put_chunks(ObjectSink& sink, const Node& node, std::uint64_t size) {
    std::vector<ChunkListItem> items;
    std::uint64_t at = 0;
    const auto hole_until = [&](std::uint64_t end) {
      if (end > at) items.push_back({end - at, std::nullopt});
      at = end;
    };
    for (const auto& [offset, data] : node.data) {
      hole_until(offset);
      for (std::size_t i = 0; i < data.size(); i += chunk_bytes) {
        const std::string_view piece = std::string_view(data).substr(i, chunk_bytes);
        const ByteView bytes = as_bytes(piece);
        RB_TRY(const ObjectId id, sink.put({ObjectKind::chunk, {}, Bytes(bytes.begin(), bytes.end())}));
        items.push_back({piece.size(), id});
      }
      at += data.size();
    }
    hole_until(size);
    return items;
  }

  Result<std::vector<ChunkListItem>> put_list_level(ObjectSink& sink, const std::vector<ChunkListItem>& items,
                                                    int level) const {
    std::vector<ChunkListItem> parents;
    for (std::size_t i = 0; i < items.size(); i += list_items) {
      ChunkListPage page{.level = level};
      ChunkListItem parent;
      for (std::size_t j = i; j < std::min(i + list_items, items.size()); ++j) {
        page.items.push_back(items[j]);
        parent.length += items[j].length;
      }
      RB_TRY(parent.id, sink.put(encode_chunk_list(page)));
      parents.push_back(parent);
    }
    return parents;
  }

  Node root_;
};

}  // namespace rb
