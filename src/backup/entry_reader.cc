#include "backup/entry_reader.h"

#include <cerrno>

#include <fcntl.h>
#include <time.h>

namespace rb {

namespace {

// Two ticks at HZ=100, the longest in use: the coarse clock stands still for one, and the reading of it may
// fall just before the next.
constexpr std::uint32_t kGranularity = 20'000'000;
// File systems that keep whole seconds only (ext3, HFS+; FAT keeps two).
constexpr std::int64_t kCoarseGranularitySeconds = 2;

Timestamp plus(Timestamp time, std::int64_t seconds, std::uint32_t nanoseconds) {
  time.seconds += seconds;
  time.nanoseconds += nanoseconds;
  if (time.nanoseconds >= 1'000'000'000) {
    time.nanoseconds -= 1'000'000'000;
    ++time.seconds;
  }
  return time;
}

bool same_file(const FileStat& a, const FileStat& b) {
  return a.type == b.type && a.inode == b.inode && a.device == b.device && a.size == b.size &&
         a.mtime == b.mtime && a.ctime == b.ctime;
}

UniqueFd open_for_reading(int parent, const char* name) {
  // Never blocks on a FIFO that took the file's place, never follows a link that did.
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  for (int flags : {kFlags | O_NOATIME, kFlags}) {
    int fd;
    do {
      fd = ::openat(parent, name, flags);
    } while (fd < 0 && errno == EINTR);
    // O_NOATIME is for the owner only.
    if (fd >= 0 || errno != EPERM) return UniqueFd(fd);
  }
  return {};
}

}  // namespace

Timestamp coarse_clock() {
  struct timespec now;
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {now.tv_sec, static_cast<std::uint32_t>(now.tv_nsec)};
}

bool is_settled(const FileStat& stat, const Timestamp& clock_before) {
  const bool whole_seconds = stat.ctime.nanoseconds == 0;
  return plus(stat.ctime, whole_seconds ? kCoarseGranularitySeconds : 0, kGranularity) < clock_before;
}

EntryReader::EntryReader(FileReader& files, MetadataReader& metadata, ObjectUploader::Stream& stream,
                         RunMonitor& monitor)
    : files_(files), metadata_(metadata), monitor_(monitor) {
  large_xattr_ = [this, &stream](ByteView value) -> Result<ObjectId> {
    auto id = stream.add_chunk(value);
    if (!id) monitor_.stop_with(id.error());
    return id;
  };
}

ReadResult ReadResult::without(Error error) {
  ReadResult result;
  result.status = error.code == Errc::not_found ? Status::vanished : Status::failed;
  result.error = std::move(error);
  return result;
}

ReadResult EntryReader::failed(Error error) const {
  return monitor_.stopped() ? ReadResult{} : ReadResult::without(std::move(error));
}

Result<FileContent> EntryReader::read_content(const OpenDirectory& parent, const char* name,
                                              const FileStat& stat, const FileReader::Help& help,
                                              UniqueFd& fd) {
  if (stat.type != EntryType::file || stat.size == 0) return FileContent{};
  fd = open_for_reading(parent.fd(), name);
  if (!fd) return fail_errno("opening", errno);
  return files_.read(fd.get(), stat.size, help);
}

ReadResult EntryReader::read(const OpenDirectory& parent, const char* name, const FileStat& stat,
                             const FileReader::Help& help) {
  FileStat before = stat;
  for (int attempt = 0;; ++attempt) {
    if (monitor_.stopped()) return {};
    const Timestamp clock_before = coarse_clock();
    UniqueFd fd;
    auto content = read_content(parent, name, before, help, fd);
    if (monitor_.stopped()) return {};
    // What it looks like afterwards: this sees a change. A file that lost its name to another shows that too,
    // by its ctime.
    auto after = fd ? stat_of_open(fd.get()) : parent.stat(name);
    if (!after) return failed(after.error());
    const bool moved = !same_file(before, *after);
    if (moved && attempt == 0 && after->type != EntryType::directory) {
      before = *after;
      continue;
    }
    if (!content) return failed(content.error());
    if (after->type == EntryType::directory) {
      return failed(Error(Errc::io, "became a directory while it was being read"));
    }
    if (after->type != before.type)
      return failed(Error(Errc::io, "changed its type while it was being read"));

    ReadResult result =
        finish(parent, name, *after, fd, std::move(*content), !moved && is_settled(*after, clock_before));
    result.moved = moved;
    return result;
  }
}

// Whatever is done to a file sets its ctime to the time of that. So one whose ctime, after it was read, is of
// before the reading began looked the same then, unless the clock was set back meanwhile.
std::optional<ReadResult> EntryReader::read_unseen(const OpenDirectory& parent, const char* name,
                                                   const FileReader::Help& help) {
  const Timestamp clock_before = coarse_clock();
  const UniqueFd fd = open_for_reading(parent.fd(), name);
  if (!fd) return std::nullopt;
  const auto bytes = files_.peek(fd.get());
  if (!bytes || !*bytes) return std::nullopt;
  const auto stat = stat_of_open(fd.get());
  if (!stat || stat->type != EntryType::file || stat->size != (*bytes)->size()) return std::nullopt;
  if (!is_settled(*stat, clock_before) || coarse_clock() < clock_before) return std::nullopt;
  auto content = files_.keep_peeked(**bytes, help.copy);
  if (!content || monitor_.stopped()) return ReadResult{};
  return finish(parent, name, *stat, fd, std::move(*content), true);
}

ReadResult EntryReader::finish(const OpenDirectory& parent, const char* name, const FileStat& stat,
                               const UniqueFd& fd, FileContent content, bool trusted) {
  auto entry = metadata_.read(parent, name, stat, large_xattr_, fd ? fd.get() : -1);
  if (!entry || monitor_.stopped()) return failed(entry ? Error() : entry.error());
  ReadResult result;
  result.status = ReadResult::Status::done;
  result.entry = std::move(*entry);
  std::move(content).assign_to(result.entry);
  result.signature = signature_of(stat, trusted);
  return result;
}

Result<Entry> EntryReader::read_directory(const OpenDirectory& directory, std::string name,
                                          const FileStat& stat) {
  return metadata_.read_self(directory, std::move(name), stat, large_xattr_);
}

}  // namespace rb
