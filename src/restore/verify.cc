#include "restore/verify.h"

#include <fmt/format.h>

#include "restore/live_file.h"

namespace rb {

namespace {

// Numbers that are random enough to choose files by (splitmix64).
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Of one object, not of the store as a whole.
bool is_damage(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found || error.code == Errc::io;
}

}  // namespace

VerifyRun::VerifyRun(Session& session, ObjectSource& objects, const Snapshot& snapshot, VerifyOptions options,
                     VerifyEvent on_matter)
    : session_(session),
      objects_(objects),
      snapshot_(snapshot),
      options_(std::move(options)),
      on_matter_(std::move(on_matter)),
      random_state_(options_.seed) {}

Result<VerifyReport> VerifyRun::run() {
  const auto visit = [&](const std::string& path, const Entry& entry) { return take(path, entry); };
  if (options_.paths.empty()) RB_TRY(visit_entries(objects_, snapshot_, "/", true, visit));
  for (const std::string& path : options_.paths)
    RB_TRY(visit_entries(objects_, snapshot_, path, true, visit));
  RB_TRY(read_back());
  return progress();
}

VerifyReport VerifyRun::progress() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

Status VerifyRun::check_cancelled() const {
  if (cancelled_) return fail(Errc::cancelled, "interrupted");
  return {};
}

void VerifyRun::tell(const std::string& path, VerifyMatter matter, const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    switch (matter) {
      case VerifyMatter::changed:
        ++report_.changed;
        break;
      case VerifyMatter::gone:
        ++report_.gone;
        break;
      case VerifyMatter::differs:
        ++report_.differing;
        break;
      case VerifyMatter::unreadable:
        ++report_.unreadable;
        break;
      case VerifyMatter::damaged:
        ++report_.damaged;
        break;
    }
  }
  if (on_matter_) on_matter_(path, matter, why);
}

Status VerifyRun::take(const std::string& path, const Entry& entry) {
  RB_TRY(check_cancelled());
  if (entry.type != EntryType::file) return {};
  choose(path, entry);
  const auto compared = compare_live_file(objects_, path, entry);
  {
    const std::lock_guard lock(mutex_);
    ++report_.files;
    report_.bytes += entry.size;
    if (compared && *compared == LiveFile::same) ++report_.same;
  }
  if (!compared && compared.error().sys_errno != 0) {
    tell(path, VerifyMatter::unreadable, compared.error().message);
  } else if (!compared && is_damage(compared.error())) {
    tell(path, VerifyMatter::damaged, compared.error().message);
  } else if (!compared) {
    return std::unexpected(compared.error());
  } else if (*compared == LiveFile::gone) {
    tell(path, VerifyMatter::gone, "is not there any more");
  } else if (*compared == LiveFile::changed) {
    tell(path, VerifyMatter::changed, "was changed since");
  } else if (*compared == LiveFile::differs) {
    tell(path, VerifyMatter::differs,
         "has the size and time of the copy, and other contents: the disk here, or a program that puts times "
         "back");
  }
  return {};
}

// Each file is as likely to be in the sample as any other, however many there are.
void VerifyRun::choose(const std::string& path, const Entry& entry) {
  if (options_.sample_files == 0) return;
  ++candidates_;
  if (sample_.size() < options_.sample_files) {
    sample_.push_back({path, entry});
    return;
  }
  const std::uint64_t place = next_random(random_state_) % candidates_;
  if (place < sample_.size()) sample_[static_cast<std::size_t>(place)] = {path, entry};
}

Status VerifyRun::read_back() {
  for (const Sampled& one : sample_) {
    RB_TRY(check_cancelled());
    std::uint64_t bytes = 0;
    const Status read = read_content(session_, one.entry, [&](ByteView piece) -> Status {
      bytes += piece.size();
      return check_cancelled();
    });
    if (!read && !is_damage(read.error())) return read;
    if (!read || bytes != one.entry.size) {
      tell(one.path, VerifyMatter::damaged,
           read ? fmt::format("the copy has {} of {} bytes", bytes, one.entry.size) : read.error().message);
    }
    const std::lock_guard lock(mutex_);
    ++report_.sampled;
    report_.sampled_bytes += bytes;
    if (report_.sampled_bytes >= options_.sample_bytes) return {};
  }
  return {};
}

}  // namespace rb
