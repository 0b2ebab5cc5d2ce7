#include "base/fake_file_system.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "base/fake_disk.h"

namespace rb {

namespace {

using fake::NodePtr;
using fake::Place;

// A single operation, as the sets of faults see it.
enum class Operation : std::uint8_t { read, write, sync, change };

bool is_in(Operation operation, OperationSet set) {
  switch (set) {
    case OperationSet::all:
      return true;
    case OperationSet::changes:
      return operation != Operation::read;
    case OperationSet::syncs:
      return operation == Operation::sync;
    case OperationSet::writes:
      return operation == Operation::write;
    case OperationSet::reads:
      return operation == Operation::read;
  }
  return false;
}

}  // namespace

struct FakeFileSystem::State {
  // What becomes of an operation that begins now.
  enum class Fate : std::uint8_t { works, fails, crashes, dead };

  mutable std::mutex mutex;
  fake::Disk disk;
  std::uint64_t counts[5] = {};  // by OperationSet
  std::optional<Fault> fault, crash;
  bool struck = false, dead = false;

  static bool strikes(std::optional<Fault>& planned, Operation operation) {
    if (!planned || !is_in(operation, planned->set)) return false;
    if (planned->after > 0) {
      --planned->after;
      return false;
    }
    return true;
  }

  Fate begin(Operation operation) {
    if (dead) return Fate::dead;
    for (std::size_t set = 0; set < std::size(counts); ++set) {
      counts[set] += is_in(operation, static_cast<OperationSet>(set)) ? 1 : 0;
    }
    if (strikes(crash, operation)) {
      dead = struck = true;
      return Fate::crashes;
    }
    if (!strikes(fault, operation)) return Fate::works;
    struck = true;
    failed_errno = fault->sys_errno;
    if (!fault->from_then_on) fault.reset();
    return Fate::fails;
  }
  int failed_errno = 0;

  // The error of an operation that does not work. After a crash nothing has a better explanation than this.
  std::unexpected<Error> error(Fate fate, std::string_view doing, const std::string& path) const {
    if (fate == Fate::fails) return fail_errno(fmt::format("{} {}", doing, path), failed_errno);
    return rb::fail(Errc::io, fmt::format("{} {}: the file system is dead", doing, path), EIO);
  }

  // The node that tests handle behind everybody's back.
  NodePtr must_find(const std::string& path) const {
    const NodePtr node = disk.find(path);
    RB_ASSERT(node != nullptr);
    return node;
  }
};

namespace {

using State = FakeFileSystem::State;
using Fate = State::Fate;

class FakeFile final : public File {
 public:
  FakeFile(std::shared_ptr<State> state, NodePtr node, std::string path, bool writable)
      : state_(std::move(state)), node_(std::move(node)), path_(std::move(path)), writable_(writable) {}

  Status write_at(std::uint64_t offset, ByteView data) override {
    const std::lock_guard lock(state_->mutex);
    if (!writable_) return fail_errno(fmt::format("writing {}", path_), EBADF);
    const Fate fate = state_->begin(Operation::write);
    if (fate == Fate::dead) return state_->error(fate, "writing", path_);
    // When the power goes the write is under way: it may be there whole. A failing one has got half way.
    const ByteView part = fate == Fate::fails ? data.first(data.size() / 2) : data;
    const std::size_t fitted = state_->disk.write(*node_, offset, part);
    if (fate != Fate::works) return state_->error(fate, "writing", path_);
    if (fitted < data.size()) return fail_errno(fmt::format("writing {}", path_), ENOSPC);
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    const std::lock_guard lock(state_->mutex);
    if (const Fate fate = state_->begin(Operation::read); fate != Fate::works) {
      return state_->error(fate, "reading", path_);
    }
    const Bytes& content = node_->current;
    if (offset >= content.size()) return std::size_t{0};
    const std::size_t n = std::min(out.size(), content.size() - static_cast<std::size_t>(offset));
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
    return n;
  }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(state_->mutex);
    if (const Fate fate = state_->begin(Operation::read); fate != Fate::works) {
      return state_->error(fate, "looking at", path_);
    }
    return std::uint64_t{node_->current.size()};
  }

  Status sync() override {
    const std::lock_guard lock(state_->mutex);
    const Fate fate = state_->begin(Operation::sync);
    // Linux marks the pages clean that it could not write: they stay readable, and nobody writes them again.
    if (fate == Fate::fails) node_->pending.clear();
    if (fate != Fate::works) return state_->error(fate, "syncing", path_);
    state_->disk.sync_file(*node_);
    return {};
  }

  void drop_cache() override {
    const std::lock_guard lock(state_->mutex);
    state_->disk.drop_cache(*node_);
  }

 private:
  std::shared_ptr<State> state_;
  NodePtr node_;
  std::string path_;
  bool writable_;
};

}  // namespace

FakeFileSystem::FakeFileSystem() : state_(std::make_shared<State>()) {}
FakeFileSystem::FakeFileSystem(std::shared_ptr<State> state) : state_(std::move(state)) {}
FakeFileSystem::~FakeFileSystem() = default;

Result<std::unique_ptr<File>> FakeFileSystem::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(state_->mutex);
  const bool creating = mode == OpenMode::create_new;
  const Fate fate = state_->begin(creating ? Operation::change : Operation::read);
  if (fate == Fate::dead || fate == Fate::fails) return state_->error(fate, "opening", path);
  NodePtr node = state_->disk.find(path);
  const std::optional<Place> place = state_->disk.place(path);
  int sys_errno = 0;
  if (creating) {
    sys_errno = node ? EEXIST : place ? 0 : ENOENT;
  } else {
    sys_errno = !node ? ENOENT : node->is_directory ? EISDIR : 0;
  }
  if (sys_errno != 0) return fail_errno(fmt::format("opening {}", path), sys_errno);
  if (creating) {
    node = std::make_shared<fake::Node>();
    state_->disk.apply({{place->directory, place->name, node}});
  }
  if (fate != Fate::works) return state_->error(fate, "opening", path);
  return std::unique_ptr<File>(new FakeFile(state_, node, path, mode != OpenMode::read));
}

Status FakeFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  const Fate fate = state_->begin(Operation::change);
  if (fate == Fate::dead || fate == Fate::fails) return state_->error(fate, "renaming", from);
  const NodePtr node = state_->disk.find(from);
  const std::optional<Place> old_place = state_->disk.place(from), new_place = state_->disk.place(to);
  if (!node || !old_place || !new_place)
    return fail_errno(fmt::format("renaming {} to {}", from, to), ENOENT);
  const NodePtr target = state_->disk.find(to);
  if (target && target->is_directory != node->is_directory) {
    return fail_errno(fmt::format("renaming {} to {}", from, to), node->is_directory ? ENOTDIR : EISDIR);
  }
  if (target && !target->names.empty()) {
    return fail_errno(fmt::format("renaming {} to {}", from, to), ENOTEMPTY);
  }
  if (target != node) {
    state_->disk.apply(
        {{old_place->directory, old_place->name, nullptr}, {new_place->directory, new_place->name, node}});
  }
  if (fate != Fate::works) return state_->error(fate, "renaming", from);
  return {};
}

// The bytes are counted once for each name: a bound on space errs on the safe side.
Status FakeFileSystem::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  const Fate fate = state_->begin(Operation::change);
  if (fate == Fate::dead || fate == Fate::fails) return state_->error(fate, "linking", from);
  const NodePtr node = state_->disk.find(from);
  const std::optional<Place> place = state_->disk.place(to);
  if (!node || !place) return fail_errno(fmt::format("linking {} to {}", to, from), ENOENT);
  if (node->is_directory) return fail_errno(fmt::format("linking {} to {}", to, from), EPERM);
  if (state_->disk.find(to)) return fail_errno(fmt::format("linking {} to {}", to, from), EEXIST);
  state_->disk.apply({{place->directory, place->name, node}});
  state_->disk.recount();
  if (fate != Fate::works) return state_->error(fate, "linking", from);
  return {};
}

Status FakeFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  const Fate fate = state_->begin(Operation::change);
  if (fate == Fate::dead || fate == Fate::fails) return state_->error(fate, "removing", path);
  const NodePtr node = state_->disk.find(path);
  const std::optional<Place> place = state_->disk.place(path);
  if (!node || !place) return fail_errno(fmt::format("removing {}", path), ENOENT);
  if (node->is_directory) return fail_errno(fmt::format("removing {}", path), EISDIR);
  state_->disk.apply({{place->directory, place->name, nullptr}});
  if (fate != Fate::works) return state_->error(fate, "removing", path);
  return {};
}

Status FakeFileSystem::create_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  const Fate fate = state_->begin(Operation::change);
  if (fate == Fate::dead || fate == Fate::fails) return state_->error(fate, "creating the directory", path);
  const NodePtr node = state_->disk.find(path);
  const std::optional<Place> place = state_->disk.place(path);
  if (node && !node->is_directory) return fail_errno(fmt::format("creating the directory {}", path), EEXIST);
  if (!node && !place) return fail_errno(fmt::format("creating the directory {}", path), ENOENT);
  if (!node) {
    const NodePtr directory = std::make_shared<fake::Node>();
    directory->is_directory = true;
    state_->disk.apply({{place->directory, place->name, directory}});
  }
  if (fate != Fate::works) return state_->error(fate, "creating the directory", path);
  return {};
}

Result<std::vector<std::string>> FakeFileSystem::list(const std::string& directory) {
  const std::lock_guard lock(state_->mutex);
  if (const Fate fate = state_->begin(Operation::read); fate != Fate::works) {
    return state_->error(fate, "listing", directory);
  }
  const NodePtr node = state_->disk.find(directory);
  if (!node) return fail_errno(fmt::format("listing {}", directory), ENOENT);
  if (!node->is_directory) return fail_errno(fmt::format("listing {}", directory), ENOTDIR);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names)
    names.push_back(name);
  return names;
}

Result<bool> FakeFileSystem::exists(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (const Fate fate = state_->begin(Operation::read); fate != Fate::works) {
    return state_->error(fate, "looking at", path);
  }
  return state_->disk.find(path) != nullptr;
}

// Neither counted nor failed: who asks must be able to go on without an answer, and asks often.
Result<FileSystem::Room> FakeFileSystem::room(const std::string&) {
  const std::lock_guard lock(state_->mutex);
  return Room{state_->disk.capacity, state_->disk.capacity - state_->disk.used};
}

Status FakeFileSystem::sync_directory(const std::string& directory) {
  const std::lock_guard lock(state_->mutex);
  const Fate fate = state_->begin(Operation::sync);
  if (fate != Fate::works) return state_->error(fate, "syncing the directory", directory);
  const NodePtr node = state_->disk.find(directory);
  if (!node) return fail_errno(fmt::format("syncing the directory {}", directory), ENOENT);
  if (!node->is_directory) return fail_errno(fmt::format("syncing the directory {}", directory), ENOTDIR);
  state_->disk.sync_directory(node);
  return {};
}

void FakeFileSystem::fail(const Fault& fault) {
  const std::lock_guard lock(state_->mutex);
  state_->fault = fault;
  state_->struck = false;
}

void FakeFileSystem::fail_nothing() {
  const std::lock_guard lock(state_->mutex);
  state_->fault.reset();
  state_->crash.reset();
}

bool FakeFileSystem::fault_struck() const {
  const std::lock_guard lock(state_->mutex);
  return state_->struck;
}

void FakeFileSystem::crash_after(std::uint64_t operations, OperationSet set) {
  const std::lock_guard lock(state_->mutex);
  state_->crash = Fault{.after = operations, .set = set};
  state_->struck = false;
}

void FakeFileSystem::crash_now() {
  const std::lock_guard lock(state_->mutex);
  state_->dead = true;
}

std::unique_ptr<FakeFileSystem> FakeFileSystem::reopen(Survival survival, std::uint64_t seed) {
  crash_now();
  return survivor(survival, seed);
}

std::unique_ptr<FakeFileSystem> FakeFileSystem::survivor(Survival survival, std::uint64_t seed) const {
  const std::lock_guard lock(state_->mutex);
  auto state = std::make_shared<State>();
  state->disk = state_->disk.survivor(survival, seed);
  return std::unique_ptr<FakeFileSystem>(new FakeFileSystem(std::move(state)));
}

std::uint64_t FakeFileSystem::count(OperationSet set) const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts[static_cast<std::size_t>(set)];
}

void FakeFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->disk.capacity = std::max(bytes, state_->disk.used);
}

std::uint64_t FakeFileSystem::used_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->disk.used;
}

std::optional<Bytes> FakeFileSystem::contents(const std::string& path) const {
  const std::lock_guard lock(state_->mutex);
  const NodePtr node = state_->disk.find(path);
  if (!node || node->is_directory) return std::nullopt;
  return node->current;
}

void FakeFileSystem::put(const std::string& path, ByteView content) {
  const std::lock_guard lock(state_->mutex);
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (state_->disk.find(path.substr(0, slash))) continue;
    const Place place = *state_->disk.place(path.substr(0, slash));
    const NodePtr directory = std::make_shared<fake::Node>();
    directory->is_directory = true;
    state_->disk.apply({{place.directory, place.name, directory}});
  }
  const std::optional<Place> place = state_->disk.place(path);
  RB_ASSERT(place.has_value());
  const NodePtr file = std::make_shared<fake::Node>();
  file->current = file->durable = Bytes(content.begin(), content.end());
  state_->disk.apply({{place->directory, place->name, file}});
  state_->disk.sync_all();
  state_->disk.recount();
}

void FakeFileSystem::erase(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  const std::optional<Place> place = state_->disk.place(path);
  RB_ASSERT(place.has_value() && state_->disk.find(path) != nullptr);
  state_->disk.apply({{place->directory, place->name, nullptr}});
  state_->disk.sync_all();
}

void FakeFileSystem::flip_bit(const std::string& path, std::uint64_t bit) {
  const std::lock_guard lock(state_->mutex);
  const NodePtr file = state_->must_find(path);
  RB_ASSERT(bit / 8 < file->current.size());
  const auto mask = static_cast<std::uint8_t>(1u << (bit % 8));
  file->current[bit / 8] ^= mask;
  if (bit / 8 < file->durable.size()) file->durable[bit / 8] ^= mask;
}

void FakeFileSystem::overwrite(const std::string& path, std::uint64_t offset, ByteView bytes) {
  const std::lock_guard lock(state_->mutex);
  const NodePtr file = state_->must_find(path);
  fake::put_bytes(file->current, offset, bytes);
  fake::put_bytes(file->durable, offset, bytes);
  state_->disk.recount();
}

void FakeFileSystem::zero(const std::string& path, std::uint64_t offset, std::uint64_t length) {
  overwrite(path, offset, Bytes(static_cast<std::size_t>(length)));
}

void FakeFileSystem::truncate(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(state_->mutex);
  const NodePtr file = state_->must_find(path);
  state_->disk.sync_file(*file);
  file->current.resize(static_cast<std::size_t>(size));
  file->durable.resize(std::min(file->durable.size(), static_cast<std::size_t>(size)));
  state_->disk.recount();
}

}  // namespace rb
