#include "check/pack_keeper.h"

#include <algorithm>
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

Result<PackOutcome> PackKeeper::look_after(std::uint64_t pack, Thoroughness thoroughness, Pace& pace) {
  const std::lock_guard lock(one_at_a_time_);
  PackOutcome outcome;
  const std::vector<std::uint64_t> sealed = core_.packs().sealed_packs();
  if (!std::binary_search(sealed.begin(), sealed.end(), pack)) {
    RB_TRY(read_records(pack, pace, outcome));
    return outcome;
  }
  auto parity = open_parity(core_, pack);
  if (!parity) outcome.parity_problem = parity.error().message;
  const bool has_reader = parity && parity->has_value();
  bool is_intact = false, is_whole_again = false, parity_is_intact = false;
  if (has_reader) {
    const ParityReader& reader = **parity;
    RB_TRY(const auto file, core_.file_system().open(core_.packs().path(pack), OpenMode::read));
    file->drop_cache();
    RB_TRY(outcome.bytes, file->size());
    RB_TRY(const PackCondition condition,
           reader.examine(*file, [&](std::uint64_t bytes) { return pace.spend(bytes); }));
    is_intact = condition.pack_intact;
    parity_is_intact = condition.parity_intact();
    if (!is_intact) {
      RB_TRY(is_whole_again, correct(pack, reader, outcome));
    }
  }
  if (!is_intact || thoroughness == Thoroughness::records) RB_TRY(read_records(pack, pace, outcome));
  // A pack that has lost something keeps what parity there is, for the rest.
  const bool is_sound = is_intact || is_whole_again || !has_reader;
  if (outcome.parity_problem.empty() && is_sound && !parity_is_intact && percent_ > 0 && outcome.bytes > 0)
    make_parity(pack, outcome);
  return outcome;
}

Status PackKeeper::read_records(std::uint64_t pack, Pace& pace, PackOutcome& outcome) {
  RB_TRY(PackContents contents, read_pack_contents(core_, pack, pace));
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
    const std::string kept = fmt::format("{}.damaged-{}", path, i);
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
