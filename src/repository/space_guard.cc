#include "repository/space_guard.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace rb {

namespace {

constexpr std::uint64_t kShareOfSmallOnes = 32;
constexpr std::size_t kStepBytes = 1 << 20;

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

SpaceGuard::SpaceGuard(FileSystem& fs, std::string directory, SpaceLimits limits)
    : fs_(fs), directory_(std::move(directory)), reserve_path_(directory_ + "/reserve"), limits_(limits) {}

std::uint64_t SpaceGuard::capped(std::uint64_t bytes, const FileSystem::Room& room) const {
  return std::min(bytes, room.total / kShareOfSmallOnes);
}

Status SpaceGuard::check() {
  if (limits_.keep_free == 0) return {};
  const Result<FileSystem::Room> room = fs_.room(directory_);
  if (!room) return {};
  const std::uint64_t least = capped(limits_.keep_free, *room) * (closed_ ? 2 : 1);
  const bool is_full = room->available < least;
  if (closed_.exchange(is_full) != is_full) {
    if (is_full)
      log(LogLevel::error, "the disk of {} is nearly full ({} free): nothing is stored any more", directory_,
          mebibytes(room->available));
    else
      log(LogLevel::info, "there is room again on the disk of {}: backups go on", directory_);
  }
  if (!is_full) return {};
  return fail(
      Errc::no_space,
      fmt::format("too little space on the disk of {}: {} are free and {} have to be; free some of it, prune "
                  "snapshots and collect garbage, or give it a larger disk",
                  directory_, mebibytes(room->available), mebibytes(least)));
}

std::string SpaceGuard::read_only_reason() {
  const Status room = check();
  return room ? std::string() : room.error().message;
}

Status SpaceGuard::make_reserve() {
  if (limits_.reserve == 0) return {};
  RB_TRY(const FileSystem::Room room, fs_.room(directory_));
  const std::uint64_t bytes = capped(limits_.reserve, room);
  RB_TRY(const bool exists, fs_.exists(reserve_path_));
  if (exists) {
    RB_TRY(const auto file, fs_.open(reserve_path_, OpenMode::read));
    RB_TRY(const std::uint64_t size, file->size());
    if (size == bytes) return {};
    RB_TRY(fs_.remove(reserve_path_));
  }
  if (room.available < bytes + capped(limits_.keep_free, room)) return {};
  const Status written = write_reserve(bytes);
  if (!written) (void)fs_.remove(reserve_path_);
  return written;
}

// Written, not only announced: an announcement (fallocate) is no promise on every file system.
Status SpaceGuard::write_reserve(std::uint64_t bytes) {
  RB_TRY(const auto file, fs_.open(reserve_path_, OpenMode::create_new));
  const Bytes zeros(kStepBytes);
  for (std::uint64_t at = 0; at < bytes; at += kStepBytes) {
    const std::size_t step = static_cast<std::size_t>(std::min<std::uint64_t>(kStepBytes, bytes - at));
    RB_TRY(file->write_at(at, ByteView(zeros).first(step)));
  }
  RB_TRY(file->sync());
  return fs_.sync_directory(directory_);
}

Status SpaceGuard::give_up_reserve() {
  RB_TRY(const bool exists, fs_.exists(reserve_path_));
  if (!exists) return {};
  RB_TRY(fs_.remove(reserve_path_));
  return fs_.sync_directory(directory_);
}

}  // namespace rb
