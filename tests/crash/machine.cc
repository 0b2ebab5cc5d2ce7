#include "crash/machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "check/structure_check.h"

namespace rb::test {

namespace {

constexpr std::uint64_t kPackBytes = 12 << 10;
constexpr unsigned kParityPercent = 5;
constexpr std::size_t kTableRows = 8;  // rows move to the catalog all the time
constexpr std::uint64_t kReserveBytes = 4096;
constexpr std::chrono::hours kUndeleteFor{36};

const std::atomic<bool> kNever{false};

RepositoryOptions options_of(FileSystem& disk, const Clock& clock,
                             std::shared_ptr<MemoryCatalogLog> catalog) {
  RepositoryOptions options;
  options.file_system = &disk;
  options.clock = &clock;
  options.take_lock = false;
  options.pack_bytes_max = kPackBytes;
  options.index_table_rows = kTableRows;
  options.space.reserve = kReserveBytes;
  options.retention.standard = parse_retention_policy("last=2 floor=0").value();
  options.retention.undelete_for = kUndeleteFor;
  options.make_catalog = [catalog = std::move(catalog)]() -> Result<std::unique_ptr<Catalog>> {
    return std::make_unique<MemoryCatalog>(catalog);
  };
  return options;
}

}  // namespace

std::string to_text(const Aftermath& aftermath) {
  constexpr const char* kSurvivals[] = {"nothing unsynced is left", "all is left", "some of it is left",
                                        "torn sectors are left", "only the program died"};
  constexpr const char* kCatalogs[] = {"the catalog whole", "the catalog cut short",
                                       "the catalog as persisted", "no catalog"};
  return fmt::format("{}, {}, seed {}", kSurvivals[static_cast<std::size_t>(aftermath.survival)],
                     kCatalogs[static_cast<std::size_t>(aftermath.catalog)], aftermath.seed);
}

Machine::Machine() {
  use(std::make_unique<FakeFileSystem>());
}

Machine::~Machine() {
  stop();
}

void Machine::use(std::unique_ptr<FakeFileSystem> disk) {
  disk_ = std::move(disk);
  observed_ = std::make_unique<ObservedDisk>(*disk_, listener_);
}

Status Machine::start() {
  stop();
  RB_TRY(repository_, LocalRepository::open(kFakeDirectory, options_of(*observed_, clock_, catalog_)));
  keeper_ = std::make_unique<PackKeeper>(repository_->core(), kParityPercent);
  read_log_ = std::make_unique<ReadLog>(*observed_, std::string(kFakeDirectory) + "/last-read");
  return finish_sweep(repository_->core(), kNever);
}

void Machine::stop() {
  read_log_.reset();
  keeper_.reset();
  repository_.reset();
}

void Machine::kill(CatalogLeft catalog, std::uint64_t seed) {
  auto left = catalog_after(catalog, seed);
  auto disk = disk_->reopen(Survival::page_cache, seed);
  stop();  // what it still writes goes to the dead disk and the old log
  use(std::move(disk));
  catalog_ = std::move(left);
}

void Machine::lose_catalog() {
  *catalog_ = {};
}

std::unique_ptr<Machine> Machine::after_power_cut(const Aftermath& aftermath) const {
  auto after = std::make_unique<Machine>();
  after->clock_.now = clock_.now;
  after->use(disk_->survivor(aftermath.survival, aftermath.seed));
  after->catalog_ = catalog_after(aftermath.catalog, aftermath.seed);
  return after;
}

std::shared_ptr<MemoryCatalogLog> Machine::catalog_after(CatalogLeft left, std::uint64_t seed) const {
  auto log = std::make_shared<MemoryCatalogLog>();
  if (left == CatalogLeft::nothing) return log;
  log->repository = catalog_->repository;
  const std::size_t all = catalog_->batches.size(), least = std::min(catalog_->persisted, all);
  std::size_t kept = all;
  if (left == CatalogLeft::persisted_only) kept = least;
  if (left == CatalogLeft::cut_short) kept = least + seed % (all - least + 1);
  log->batches.assign(catalog_->batches.begin(),
                      catalog_->batches.begin() + static_cast<std::ptrdiff_t>(kept));
  log->persisted = kept;
  return log;
}

Result<CollectionReport> Machine::collect() {
  CollectionOptions options;
  options.grace = kUndeleteFor;
  options.pack_bytes_max = kPackBytes;
  return run_collection(repository_->core(), options, kNever);
}

Result<std::uint64_t> Machine::look_after_packs() {
  Pace pace;
  CheckProgress progress;
  DataCheckReport report;
  DataCheck data(repository_->core(), *keeper_, *read_log_);
  RB_TRY(data.read(repository_->core().packs().sealed_packs(), Thoroughness::parity, pace, progress, report));
  return report.sectors_corrected;
}

Result<std::string> Machine::check() {
  Pace pace;
  CheckProgress progress;
  StructureCheckReport structure;
  DataCheckReport contents;
  DataCheck data(repository_->core(), *keeper_, *read_log_);
  RB_TRY(check_structure(repository_->core(), data, pace, progress, structure));
  RB_TRY(data.read_all(Thoroughness::records, pace, progress, contents));
  std::string damage;
  for (const Findings* findings : {&structure.findings, &contents.findings}) {
    for (const Finding& finding : findings->list) {
      if (is_damage(finding.kind)) damage += finding.where + ": " + finding.what + "\n";
    }
  }
  return damage;
}

bool Machine::flip_a_bit(std::uint64_t random) {
  const std::vector<std::uint64_t> sealed = repository_->core().packs().sealed_packs();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    const std::uint64_t pack = sealed[(random + i) % sealed.size()];
    if (!keeper_->has_parity(pack)) continue;
    const std::string path = repository_->core().packs().path(pack);
    disk_->flip_bit(path, random % (disk_->contents(path)->size() * 8));
    return true;
  }
  return false;
}

}  // namespace rb::test
