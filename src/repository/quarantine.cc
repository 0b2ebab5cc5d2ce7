#include "repository/quarantine.h"

#include <charconv>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/log.h"
#include "repository/object_index.h"

namespace rb {

namespace {

// docs/format.md, "Quarantine".
constexpr std::string_view kFirstLine = "rbbackup quarantine 0\n";
constexpr std::size_t kEntriesMax = 100'000;
constexpr std::uint64_t kFileBytesMax = 64 << 20;
// What one session is told of: a list of a quarter of a MiB. The rest comes with later runs.
constexpr std::size_t kWantedMax = 4096;
// Runs of a node need not cover the same paths, so the first that brings nothing proves little.
constexpr unsigned kRunsMax = 8;

// Reads words and numbers of one line.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}
  std::string_view word() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(rest_.size(), end + 1));
    return word;
  }
  template <typename Number>
  Number number() {
    return number_in<Number>(word());
  }
  template <typename Number>
  Number number_in(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) good_ = false;
    return value;
  }
  void spoil() { good_ = false; }
  bool at_end() const { return rest_.empty(); }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// The text before its last line, which is the hash of it. Nothing when it is not.
std::optional<std::string_view> checked_text(std::string_view text) {
  constexpr std::size_t kHashLine = 2 * Digest::kSize + 1;
  if (text.size() < kFirstLine.size() + kHashLine || !text.starts_with(kFirstLine)) return std::nullopt;
  const std::string_view content = text.substr(0, text.size() - kHashLine);
  if (text.substr(content.size()) != to_hex(hash(as_bytes(content))) + "\n") return std::nullopt;
  return content.substr(kFirstLine.size());
}

}  // namespace

Quarantine::Quarantine(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {
  load();
}

void Quarantine::load() {
  const auto exists = fs_.exists(path_);
  if (exists && !*exists) return;
  const auto bytes = read_file(fs_, path_, kFileBytesMax);
  const auto text = bytes ? checked_text(as_text(*bytes)) : std::nullopt;
  bool good = text.has_value();
  for (std::string_view rest = text.value_or(""); good && !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    LineReader line(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    DomainKey key{.domain = line.number<std::uint32_t>()};
    if (const auto id = id_from_hex<ObjectId>(line.word())) {
      key.id = *id;
    } else {
      line.spoil();
    }
    Entry entry;
    entry.at.pack = line.number<std::uint64_t>();
    entry.at.offset = line.number<std::uint64_t>();
    while (line.good() && !line.at_end()) {
      const std::uint32_t node = line.number<std::uint32_t>();
      entry.runs[node] = line.number<unsigned>();
    }
    good = line.good();
    if (good) entries_[key] = std::move(entry);
  }
  if (!good) {
    entries_.clear();
    log(LogLevel::warning, "{} is damaged: what it listed is found again by 'check --data'", path_);
  }
  is_empty_ = entries_.empty();
}

// Requires: mutex_.
Status Quarantine::save() const {
  std::string text(kFirstLine);
  for (const auto& [key, entry] : entries_) {
    fmt::format_to(std::back_inserter(text), "{} {} {} {}", key.domain, to_hex(key.id), entry.at.pack,
                   entry.at.offset);
    for (const auto& [node, runs] : entry.runs)
      fmt::format_to(std::back_inserter(text), " {} {}", node, runs);
    text += '\n';
  }
  text += to_hex(hash(as_bytes(text))) + "\n";
  return write_file_atomically(fs_, path_, as_bytes(text));
}

Result<std::size_t> Quarantine::add(std::span<const QuarantinedObject> objects) {
  const std::lock_guard lock(mutex_);
  std::size_t added = 0;
  bool full = false;
  for (const QuarantinedObject& object : objects) {
    const DomainKey key{object.domain, object.id};
    const auto known = entries_.find(key);
    if (known != entries_.end() && known->second.at == object.at) continue;
    if (known == entries_.end() && entries_.size() >= kEntriesMax) {
      full = true;
      continue;
    }
    entries_[key] = Entry{.at = object.at, .runs = {}};
    ++added;
  }
  is_empty_ = entries_.empty();
  if (added > 0) RB_TRY(save());
  if (full) return fail(Errc::no_space, fmt::format("{} holds no more than {} objects", path_, kEntriesMax));
  return added;
}

void Quarantine::apply(std::uint32_t domain, std::span<const ObjectId> ids,
                       std::span<std::optional<FoundObject>> found) const {
  if (is_empty_) return;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!found[i]) continue;
    const auto entry = entries_.find(DomainKey{domain, ids[i]});
    if (entry != entries_.end() && entry->second.at == found[i]->row.at)
      found[i]->row.flags |= kRowIncomplete;
  }
}

Status Quarantine::forget(const QuarantinedObject& object) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(DomainKey{object.domain, object.id});
  if (entry == entries_.end() || entry->second.at != object.at) return {};
  entries_.erase(entry);
  is_empty_ = entries_.empty();
  return save();
}

// Asks without the mutex, which the index takes by apply().
void Quarantine::forget_resolved(ObjectIndex& index, std::uint32_t domain) {
  std::vector<ObjectId> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : entries_) {
      if (key.domain == domain) ids.push_back(key.id);
    }
  }
  if (ids.empty()) return;
  const auto answer = index.find(domain, ids);
  if (!answer) return;
  const std::lock_guard lock(mutex_);
  bool changed = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto& found = answer->found[i];
    if (found && found->complete() && found->durable)
      changed = entries_.erase(DomainKey{domain, ids[i]}) > 0 || changed;
  }
  is_empty_ = entries_.empty();
  if (!changed) return;
  if (const Status saved = save(); !saved) log(LogLevel::warning, "{}", saved.error().message);
}

std::vector<ObjectId> Quarantine::wanted(ObjectIndex& index, std::uint32_t domain, std::uint32_t node) {
  if (is_empty_) return {};
  forget_resolved(index, domain);
  const std::lock_guard lock(mutex_);
  std::vector<ObjectId> ids;
  for (const auto& [key, entry] : entries_) {
    if (key.domain != domain || ids.size() >= kWantedMax) continue;
    const auto runs = entry.runs.find(node);
    if (runs == entry.runs.end() || runs->second < kRunsMax) ids.push_back(key.id);
  }
  return ids;
}

void Quarantine::note_run(std::uint32_t domain, std::uint32_t node) {
  if (is_empty_) return;
  const std::lock_guard lock(mutex_);
  bool changed = false;
  for (auto& [key, entry] : entries_) {
    if (key.domain != domain || entry.runs[node] >= kRunsMax) continue;
    ++entry.runs[node];
    changed = true;
  }
  if (!changed) return;
  if (const Status saved = save(); !saved) log(LogLevel::warning, "{}", saved.error().message);
}

std::vector<QuarantinedObject> Quarantine::unresolved(ObjectIndex& index) {
  if (is_empty_) return {};
  std::vector<std::uint32_t> domains;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : entries_) {
      if (domains.empty() || domains.back() != key.domain) domains.push_back(key.domain);
    }
  }
  for (const std::uint32_t domain : domains)
    forget_resolved(index, domain);
  const std::lock_guard lock(mutex_);
  std::vector<QuarantinedObject> objects;
  for (const auto& [key, entry] : entries_)
    objects.push_back({key.domain, key.id, entry.at});
  return objects;
}

std::size_t Quarantine::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace rb
