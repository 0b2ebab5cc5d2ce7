// The disk under FakeFileSystem: files and names, each with what is durable and what is not yet. Knows
// nothing of faults and counting. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/fake_file_system.h"

namespace rb::fake {

struct PendingWrite {
  std::uint64_t offset = 0;
  Bytes data;
};

// A file or a directory.
struct Node {
  bool is_directory = false;
  // A file: what a reader sees, what a power cut leaves, and the writes that lead from the one to the other.
  Bytes current, durable;
  std::vector<PendingWrite> pending;
  // A directory, likewise; its pending changes are in Disk::changes.
  std::map<std::string, std::shared_ptr<Node>> names, durable_names;
};
using NodePtr = std::shared_ptr<Node>;

// One name that comes to mean a node, or nothing.
struct NameEdit {
  NodePtr directory;
  std::string name;
  NodePtr node;
};
// Edits that survive together or not at all: a rename is two.
using NameChange = std::vector<NameEdit>;

struct Place {
  NodePtr directory;
  std::string name;
};

struct Disk {
  NodePtr root;
  std::vector<NameChange> changes;  // not durable yet, oldest first
  std::uint64_t capacity = UINT64_MAX, used = 0;

  Disk();
  // Null when there is nothing. "", "/" and "." are the root.
  NodePtr find(const std::string& path) const;
  // Where `path` is or would be; nothing when its parent is no directory.
  std::optional<Place> place(const std::string& path) const;

  // Gives how many bytes fitted.
  std::size_t write(Node& file, std::uint64_t offset, ByteView data);
  void apply(NameChange change);
  void sync_file(Node& file);
  // Shows what a failed sync has lost as lost.
  void drop_cache(Node& file);
  void sync_directory(const NodePtr& directory);
  // Everything is durable from now on.
  void sync_all();
  // After a change behind its back.
  void recount();

  Disk survivor(Survival survival, std::uint64_t seed) const;
};

void put_bytes(Bytes& content, std::uint64_t offset, ByteView data);

}  // namespace rb::fake
