#include "check/pack_keeper.h"

#include <algorithm>
#include <future>
#include <optional>

#include <fmt/format.h>

#include "base/log.h"
#include "repository/pack_repair.h"
#include "repository/parity_writer.h"

namespace rb {

namespace {

constexpr unsigned kDamagedCopiesMax = 1000;

// Nothing where there is none, or none that can be read.
Result<std::optional<ParityReader>> open_parity(RepositoryCore& core, std::uint64_t pack) {
  const std::string path = core.packs().parity_path(pack);
  RB_TRY(const bool exists, core.file_system().exists(path));
  if (!exists) return std::optional<ParityReader>();
  RB_TRY(std::shared_ptr<File> file, core.file_system().open(path, OpenMode::read));
  file->drop_cache();
  file->bypass_cache();
  auto reader = ParityReader::open(std::move(file), {core.directory().format.id, pack});
  if (reader) return std::optional<ParityReader>(std::move(*reader));
  if (reader.error().code == Errc::unsupported) return std::unexpected(reader.error());
  log(LogLevel::warning, "{}: {}", path, reader.error().message);
  return std::optional<ParityReader>();
}

}  // namespace

bool PackKeeper::has_parity(std::uint64_t pack) const {
  const auto exists = core_.file_system().exists(core_.packs().parity_path(pack));
  return exists && *exists;
}

Result<PackOutcome> PackKeeper::look_after(std::uint64_t pack, Thoroughness thoroughness, Pace& pace,
                                           KernelCache cache) {
  const std::lock_guard lock(one_at_a_time_);
  PackOutcome outcome;
  const std::vector<std::uint64_t> sealed = core_.packs().sealed_packs();
  if (!std::binary_search(sealed.begin(), sealed.end(), pack)) {
    RB_TRY(read_records(pack, cache, pace, outcome));
    return outcome;
  }
  auto parity = open_parity(core_, pack);
  if (!parity) outcome.parity_problem = parity.error().message;
  const bool has_reader = parity && parity->has_value();
  Examined found;
  bool is_whole_again = false;
  if (has_reader) {
    const Wanted wanted{thoroughness, cache};
    RB_TRY(found, examine(pack, **parity, wanted, pace, outcome));
    // All of an intact one has just come from the device, to the byte as it was.
    cache = found.is_intact ? KernelCache::keep : KernelCache::drop;
    if (!found.is_intact) {
      RB_TRY(is_whole_again, correct(pack, **parity, outcome));
    }
  }
  const bool wants_records = thoroughness == Thoroughness::records && !found.records_are_read;
  if (!found.is_intact || wants_records) RB_TRY(read_records(pack, cache, pace, outcome));
  // A pack that has lost something keeps what parity there is, for the rest.
  const bool is_sound = found.is_intact || is_whole_again || !has_reader;
  if (outcome.parity_problem.empty() && is_sound && !found.parity_is_intact && percent_ > 0 &&
      outcome.bytes > 0)
    make_parity(pack, outcome);
  return outcome;
}

// Where nobody set a pace, records are read by a thread beside the one that holds sectors against their
// checksums: both go through the same pages of the kernel's cache, a little apart, and a second core works.
// What was found of records counts only if the pack is intact: else it is corrected, and read again.
Result<PackKeeper::Examined> PackKeeper::examine(std::uint64_t pack, const ParityReader& parity,
                                                 const Wanted& wanted, Pace& pace, PackOutcome& outcome) {
  RB_TRY(const auto file, core_.file_system().open(core_.packs().path(pack), OpenMode::read));
  if (wanted.cache == KernelCache::drop) file->drop_cache();
  if (wanted.thoroughness == Thoroughness::parity) file->bypass_cache();
  RB_TRY(outcome.bytes, file->size());
  PackOutcome beside = outcome;
  std::future<Status> reading;
  if (wanted.thoroughness == Thoroughness::records && !pace.is_limited()) {
    reading = std::async(std::launch::async | std::launch::deferred,
                         [&] { return read_records(pack, KernelCache::keep, pace, beside); });
  }
  const auto condition = parity.examine(*file, [&](std::uint64_t bytes) { return pace.spend(bytes); });
  const bool are_read = reading.valid() && reading.get().has_value();
  if (!condition) return std::unexpected(condition.error());
  Examined found{.is_intact = condition->pack_intact, .parity_is_intact = condition->parity_intact()};
  found.records_are_read = are_read && found.is_intact;
  if (found.records_are_read) outcome = std::move(beside);
  return found;
}

Status PackKeeper::read_records(std::uint64_t pack, KernelCache cache, Pace& pace, PackOutcome& outcome) {
  RB_TRY(PackContents contents, read_pack_contents(core_, pack, cache, pace));
  outcome.bytes = contents.bytes;
  outcome.gaps = std::move(contents.gaps);
  outcome.header_damaged = contents.header_damaged;
  return {};
}

void PackKeeper::make_parity(std::uint64_t pack, PackOutcome& outcome) {
  const Status made =
      write_pack_parity(core_.file_system(), core_.packs().path(pack), core_.packs().parity_path(pack),
                        {core_.directory().format.id, pack}, percent_);
  outcome.parity_made = made.has_value();
  if (!made) outcome.parity_problem = made.error().message;
}

// The new file takes the pack's name only when it is better than the old one. Gives whether it is to the byte
// what the pack was.
Result<bool> PackKeeper::correct(std::uint64_t pack, const ParityReader& parity, PackOutcome& outcome) {
  FileSystem& fs = core_.file_system();
  const std::string path = core_.packs().path(pack), repaired_path = path + ".repaired";
  RB_TRY(const bool left_over, fs.exists(repaired_path));
  if (left_over) RB_TRY(fs.remove(repaired_path));
  const auto repair = write_repaired_pack(fs, path, parity, repaired_path);
  if (!repair && repair.error().code == Errc::corrupt) {
    log(LogLevel::error, "{}", repair.error().message);
    return false;  // the records tell where
  }
  if (!repair) return std::unexpected(repair.error());
  if (repair->sectors.corrected.empty() && !repair->whole) {
    RB_TRY(fs.remove(repaired_path));
    return false;
  }
  RB_TRY(outcome.kept_as, keep_damaged(pack));
  RB_TRY(fs.rename(repaired_path, path));
  RB_TRY(fs.sync_directory(parent_directory(path)));
  core_.packs().replaced(pack);
  outcome.corrected_sectors = static_cast<std::uint32_t>(repair->sectors.corrected.size());
  log(LogLevel::warning, "{}: {} sectors corrected from parity{}; the damaged file is kept as {}", path,
      outcome.corrected_sectors, repair->whole ? "" : ", but not all", outcome.kept_as);
  return repair->whole;
}

// The name is durable before the pack's own name means the new file.
Result<std::string> PackKeeper::keep_damaged(std::uint64_t pack) {
  FileSystem& fs = core_.file_system();
  const std::string path = core_.packs().path(pack);
  for (unsigned i = 1; i <= kDamagedCopiesMax; ++i) {
    std::string kept = fmt::format("{}.damaged-{}", path, i);
    RB_TRY(const bool taken, fs.exists(kept));
    if (taken) continue;
    RB_TRY(fs.link(path, kept));
    RB_TRY(fs.sync_directory(parent_directory(path)));
    return kept;
  }
  return fail(Errc::io,
              path + " has been damaged too often: look at the disk, and remove the damaged copies");
}

}  // namespace rb
