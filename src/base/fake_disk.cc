#include "base/fake_disk.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace rb::fake {

namespace {

constexpr std::size_t kSectorBytes = 512;

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") out.push_back(part);
    begin = end + 1;
  }
  return out;
}

void set_name(std::map<std::string, NodePtr>& names, const NameEdit& edit) {
  if (edit.node) {
    names[edit.name] = edit.node;
  } else {
    names.erase(edit.name);
  }
}

// Decides what a power cut leaves.
class Luck {
 public:
  Luck(Survival survival, std::uint64_t seed) : survival_(survival), random_(seed) {}

  bool keeps_name_change() { return survival_ == Survival::all || (survival_ != Survival::none && coin()); }

  Bytes content(const Node& file) {
    Bytes content = file.durable;
    for (const PendingWrite& write : file.pending)
      keep(content, write);
    // The new length may be on disk without the bytes it promises.
    const bool uncertain = survival_ == Survival::some || survival_ == Survival::torn;
    if (uncertain && random_() % 4 == 0) content.resize(std::max(content.size(), file.current.size()));
    return content;
  }

 private:
  bool coin() { return random_() % 2 == 0; }

  void keep(Bytes& content, const PendingWrite& write) {
    if (survival_ == Survival::none) return;
    if (survival_ == Survival::all || (survival_ == Survival::some && coin())) {
      put_bytes(content, write.offset, write.data);
    }
    if (survival_ == Survival::torn) keep_sectors(content, write);
  }

  void keep_sectors(Bytes& content, const PendingWrite& write) {
    const ByteView data = write.data;
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t n = std::min(data.size() - at, kSectorBytes - (write.offset + at) % kSectorBytes);
      if (coin()) put_bytes(content, write.offset + at, data.subspan(at, n));
      at += n;
    }
  }

  Survival survival_;
  std::mt19937_64 random_;
};

// Copies the nodes that names, durable or not, can still reach.
class Copier {
 public:
  explicit Copier(Luck* luck) : luck_(luck) {}

  NodePtr copy(const NodePtr& from) {
    if (!from) return nullptr;
    const auto [at, is_new] = copies_.try_emplace(from.get());
    if (!is_new) return at->second;
    const NodePtr to = at->second = std::make_shared<Node>();
    to->is_directory = from->is_directory;
    if (from->is_directory) {
      for (const auto& [name, node] : from->durable_names)
        to->durable_names[name] = copy(node);
      to->names = to->durable_names;
    } else {
      copy_content(*from, *to);
    }
    return to;
  }

 private:
  void copy_content(const Node& from, Node& to) {
    if (luck_ != nullptr) {
      to.durable = to.current = luck_->content(from);
      return;
    }
    to.durable = to.current = from.durable;
    to.pending = from.pending;
    for (const PendingWrite& write : to.pending)
      put_bytes(to.current, write.offset, write.data);
  }

  Luck* luck_;  // null: nothing is decided, what is pending stays so
  std::unordered_map<const Node*, NodePtr> copies_;
};

std::uint64_t bytes_below(const Node& node) {
  std::uint64_t total = node.current.size();
  for (const auto& [name, child] : node.names)
    total += bytes_below(*child);
  return total;
}

}  // namespace

void put_bytes(Bytes& content, std::uint64_t offset, ByteView data) {
  if (data.empty()) return;
  if (content.size() < offset + data.size()) content.resize(offset + data.size());
  std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
}

Disk::Disk() : root(std::make_shared<Node>()) {
  root->is_directory = true;
}

NodePtr Disk::find(const std::string& path) const {
  NodePtr node = root;
  for (const std::string& name : components(path)) {
    const auto child = node->names.find(name);
    if (child == node->names.end()) return nullptr;
    node = child->second;
  }
  return node;
}

std::optional<Place> Disk::place(const std::string& path) const {
  const std::vector<std::string> parts = components(path);
  if (parts.empty()) return std::nullopt;
  NodePtr node = root;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto child = node->names.find(parts[i]);
    if (child == node->names.end() || !child->second->is_directory) return std::nullopt;
    node = child->second;
  }
  return Place{.directory = node, .name = parts.back()};
}

std::size_t Disk::write(Node& file, std::uint64_t offset, ByteView data) {
  const std::uint64_t size = file.current.size();
  const std::uint64_t size_max = capacity - used < UINT64_MAX - size ? size + (capacity - used) : UINT64_MAX;
  const std::uint64_t room = size_max > offset ? size_max - offset : 0;
  data = data.first(static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), room)));
  if (data.empty()) return 0;
  put_bytes(file.current, offset, data);
  used += file.current.size() - size;
  file.pending.push_back({offset, Bytes(data.begin(), data.end())});
  return data.size();
}

void Disk::apply(NameChange change) {
  for (const NameEdit& edit : change) {
    const auto old = edit.directory->names.find(edit.name);
    const NodePtr replaced = old == edit.directory->names.end() ? nullptr : old->second;
    // A rename first takes the node from its old name: only a node that no edit names again is gone.
    const bool stays = std::any_of(change.begin(), change.end(),
                                   [&](const NameEdit& other) { return other.node == replaced; });
    if (replaced && !stays) used -= bytes_below(*replaced);
    set_name(edit.directory->names, edit);
  }
  changes.push_back(std::move(change));
}

void Disk::sync_file(Node& file) {
  for (const PendingWrite& write : file.pending)
    put_bytes(file.durable, write.offset, write.data);
  file.pending.clear();
}

void Disk::drop_cache(Node& file) {
  file.current = file.durable;
  for (const PendingWrite& write : file.pending)
    put_bytes(file.current, write.offset, write.data);
  recount();
}

void Disk::sync_directory(const NodePtr& directory) {
  // Backwards: a change that becomes durable takes along the earlier ones that touched the same names.
  std::set<std::pair<const Node*, std::string>> touched;
  std::vector<bool> durable(changes.size());
  for (std::size_t i = changes.size(); i-- > 0;) {
    durable[i] = std::any_of(changes[i].begin(), changes[i].end(), [&](const NameEdit& edit) {
      return edit.directory == directory || touched.contains({edit.directory.get(), edit.name});
    });
    if (!durable[i]) continue;
    for (const NameEdit& edit : changes[i])
      touched.insert({edit.directory.get(), edit.name});
  }
  std::vector<NameChange> rest;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!durable[i]) {
      rest.push_back(std::move(changes[i]));
    } else {
      for (const NameEdit& edit : changes[i])
        set_name(edit.directory->durable_names, edit);
    }
  }
  changes = std::move(rest);
}

void Disk::sync_all() {
  for (const NameChange& change : changes) {
    for (const NameEdit& edit : change)
      set_name(edit.directory->durable_names, edit);
  }
  changes.clear();
}

Disk Disk::survivor(Survival survival, std::uint64_t seed) const {
  Luck luck(survival, seed);
  const bool decided = survival != Survival::page_cache;
  Copier copier(decided ? &luck : nullptr);
  Disk out;
  out.capacity = capacity;
  out.root = copier.copy(root);
  for (const NameChange& change : changes) {
    if (decided && !luck.keeps_name_change()) continue;
    NameChange copy;
    for (const NameEdit& edit : change) {
      copy.push_back({copier.copy(edit.directory), edit.name, copier.copy(edit.node)});
    }
    for (const NameEdit& edit : copy) {
      set_name(edit.directory->names, edit);
      if (decided) set_name(edit.directory->durable_names, edit);
    }
    if (!decided) out.changes.push_back(std::move(copy));
  }
  out.recount();
  return out;
}

void Disk::recount() {
  used = bytes_below(*root);
}

}  // namespace rb::fake
