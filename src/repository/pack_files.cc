#include "repository/pack_files.h"

#include <algorithm>

#include "format/pack_format.h"

namespace rb {

namespace {

// A restore reads from many packs in turn; a process may have 1024 descriptors, most of them for connections.
constexpr std::size_t kOpenFilesMax = 64;

}  // namespace

std::string PackFiles::path(std::uint64_t number) const {
  return directory_ + "/" + pack_file_name(number);
}

Result<std::shared_ptr<const File>> PackFiles::open(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const OpenFile& f) { return f.number == number; });
  if (found != open_.end()) {
    open_.splice(open_.begin(), open_, found);
    return open_.front().file;
  }
  RB_TRY(std::shared_ptr<const File> file, fs_.open(path(number), OpenMode::read));
  open_.push_front({.number = number, .file = file});
  if (open_.size() > kOpenFilesMax) open_.pop_back();
  return file;
}

void PackFiles::forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  open_.remove_if([&](const OpenFile& file) { return file.number == number; });
}

}  // namespace rb
