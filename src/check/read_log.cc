#include "check/read_log.h"

#include <sstream>

#include <fmt/format.h>

#include "base/hash.h"

namespace rb {

namespace {
// docs/format.md, "Read log".
constexpr std::string_view kFirstLine = "rbbackup read log 0\n";
constexpr std::uint64_t kFileBytesMax = 256 << 20;
constexpr std::size_t kHashLine = 2 * Digest::kSize + 1;
}  // namespace

ReadLog::ReadLog(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {
  load();
}

void ReadLog::load() {
  const auto bytes = read_file(fs_, path_, kFileBytesMax);
  if (!bytes) return;
  const std::string_view text = as_text(*bytes);
  if (text.size() < kFirstLine.size() + kHashLine || !text.starts_with(kFirstLine)) return;
  const std::string_view content = text.substr(0, text.size() - kHashLine);
  if (text.substr(content.size()) != to_hex(hash(as_bytes(content))) + "\n") return;
  std::istringstream lines{std::string(content.substr(kFirstLine.size()))};
  std::uint64_t pack = 0;
  Timestamp when;
  while (lines >> pack >> when.seconds >> when.nanoseconds) {
    if (pack == 0) {
      all_begun_ = when;
    } else {
      packs_[pack] = when;
    }
  }
}

std::optional<Timestamp> ReadLog::last_read(std::uint64_t pack) const {
  const std::lock_guard lock(mutex_);
  const auto found = packs_.find(pack);
  if (found == packs_.end()) return std::nullopt;
  return found->second;
}

void ReadLog::note(std::uint64_t pack, const Timestamp& when) {
  const std::lock_guard lock(mutex_);
  packs_[pack] = when;
  changed_ = true;
}

void ReadLog::forget(std::uint64_t pack) {
  const std::lock_guard lock(mutex_);
  changed_ = packs_.erase(pack) > 0 || changed_;
}

Timestamp ReadLog::begin_all(const Timestamp& now) {
  const std::lock_guard lock(mutex_);
  if (!all_begun_ || *all_begun_ > now) {
    all_begun_ = now;
    changed_ = true;
  }
  return *all_begun_;
}

void ReadLog::end_all() {
  const std::lock_guard lock(mutex_);
  changed_ = changed_ || all_begun_.has_value();
  all_begun_.reset();
}

Status ReadLog::save() {
  const std::lock_guard saving(saving_);
  std::string text(kFirstLine);
  {
    const std::lock_guard lock(mutex_);
    if (!changed_) return {};
    changed_ = false;
    if (all_begun_) text += fmt::format("0 {} {}\n", all_begun_->seconds, all_begun_->nanoseconds);
    for (const auto& [pack, when] : packs_)
      fmt::format_to(std::back_inserter(text), "{} {} {}\n", pack, when.seconds, when.nanoseconds);
  }
  text += to_hex(hash(as_bytes(text))) + "\n";
  const Status saved = write_file_atomically(fs_, path_, as_bytes(text));
  if (saved) return {};
  const std::lock_guard lock(mutex_);
  changed_ = true;
  return saved;
}

}  // namespace rb
