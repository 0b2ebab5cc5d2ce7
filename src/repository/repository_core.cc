#include "repository/repository_core.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/log.h"
#include "repository/rocks_catalog.h"

namespace rb {

namespace {

// Of the rows that the table has beside sessions: at start memory is needed for nothing else, and the fewer
// files a load makes, the fewer are asked and merged. Together with the copy that is being written about 200
// MiB.
constexpr std::size_t kRecoveryTables = 12;

// With a file system of a test's own there is no owner to ask for.
std::uint32_t owner_of(const std::string& path, bool real) {
  struct stat info {};
  if (real && ::stat(path.c_str(), &info) == 0) return info.st_uid;
  return ::geteuid();
}

}  // namespace

RepositoryCore::RepositoryCore(RepositoryOptions options)
    : options_(std::move(options)),
      own_file_system_(options_.file_system != nullptr ? nullptr : make_posix_file_system()),
      file_system_(own_file_system_ ? own_file_system_.get() : options_.file_system),
      clock_(options_.clock != nullptr ? options_.clock : &system_clock_),
      retention_(*clock_, options_.clock == nullptr, options_.retention),
      standard_quota_(options_.default_quota),
      node_quotas_(options_.node_quotas),
      sessions_(claims_, {.in_all = options_.max_sessions, .per_node = options_.max_sessions_per_node}) {}

RepositoryCore::~RepositoryCore() {
  if (writer_) writer_->close();
}

Result<std::shared_ptr<RepositoryCore>> RepositoryCore::open(const std::string& directory,
                                                             RepositoryOptions options) {
  auto core = std::shared_ptr<RepositoryCore>(new RepositoryCore(std::move(options)));
  const std::chrono::nanoseconds began = core->clock_->monotonic();
  RB_TRY(core->open_parts(directory));
  core->report_.seconds = std::chrono::duration<double>(core->clock_->monotonic() - began).count();
  return core;
}

Status RepositoryCore::open_parts(const std::string& directory) {
  const LockMode lock = options_.take_lock ? LockMode::take : LockMode::none;
  RB_TRY(directory_, open_repository_directory(*file_system_, directory, lock));
  report_.created = directory_.created;
  owner_uid_ = owner_of(directory, own_file_system_ != nullptr);
  space_ = std::make_unique<SpaceGuard>(*file_system_, directory, options_.space);
  const Status reserved = space_->make_reserve();
  if (!reserved) log(LogLevel::warning, "no reserve could be made: {}", reserved.error().message);

  PackStoreOptions pack_options;
  pack_options.pack_bytes_max = options_.pack_bytes_max;
  const RepositoryId& id = directory_.format.id;
  RB_TRY(packs_,
         PackStore::open(*file_system_, directory_.packs(), directory_.format.record_key, id, pack_options));
  RB_TRY(journal_, Journal::open(*file_system_, directory_.journal_1(), directory_.journal_2(), id));
  RB_TRY(check_journal_is_there());
  RB_TRY(open_catalog());

  BlockWriterLimits limits;
  limits.table_rows = options_.index_table_rows;
  Status recovered = recover();
  if (!recovered && catalog_->is_damaged()) recovered = recover_without_catalog();
  RB_TRY(recovered);
  snapshots_ = std::make_unique<SnapshotReader>(*index_, *packs_);
  writer_ = std::make_unique<BlockWriter>(*packs_, *catalog_, *index_, claims_, gate_, limits);
  return {};
}

// A node is journalled before its first block is stored, so packs without a journal mean that both copies are
// lost. Going on would begin a new history as if there had been none.
Status RepositoryCore::check_journal_is_there() const {
  if (journal_->last_sequence() > 0 || packs_->packs().empty()) return {};
  return fail(
      Errc::corrupt,
      fmt::format("both copies of the journal are gone ({} and {}) though packs are there: put one back from "
                  "a copy of the repository; nothing was changed",
                  directory_.journal_1(), directory_.journal_2()));
}

Status RepositoryCore::open_catalog() {
  if (options_.make_catalog) {
    RB_TRY(catalog_, options_.make_catalog());
  } else {
    RB_TRY(catalog_, open_rocks_catalog(directory_.catalog()));
  }
  RB_TRY(check_no_entry_is_lost());
  const auto fits = catalog_fits();
  if (fits && *fits) return {};
  if (!report_.created) {
    log(LogLevel::warning, "the catalog is missing, damaged or does not belong to the packs: making it anew");
    report_.catalog_rebuilt = true;
  }
  return catalog_->clear(directory_.format.id);
}

// Entries are applied to the catalog only after they were synced in both copies. So a catalog that is ahead
// of them knows acknowledged snapshots and deletions that are gone; to make it anew would forget them without
// a word.
Status RepositoryCore::check_no_entry_is_lost() {
  const auto state = catalog_->state();
  if (!state || state->repository != directory_.format.id) return {};
  const std::uint64_t known = state->journal.sequence, left = journal_->last_sequence();
  if (known <= left) return {};
  const std::string lost = known == left + 1
                               ? fmt::format("entry {} of the journal is", known)
                               : fmt::format("entries {} to {} of the journal are", left + 1, known);
  return fail(
      Errc::corrupt,
      fmt::format("{} lost in both copies ({} and {}), with what they acknowledged: put a copy of the "
                  "journal back, or delete {} to go on without them; nothing was changed",
                  lost, directory_.journal_1(), directory_.journal_2(), directory_.catalog()));
}

// Whether the catalog is one of these packs and this journal, and not ahead of the packs.
Result<bool> RepositoryCore::catalog_fits() {
  RB_TRY(const CatalogState state, catalog_->state());
  if (state.repository != directory_.format.id) return false;
  if (state.packs > packs_->end()) return false;
  RB_TRY(const std::vector<std::uint64_t> needed, catalog_->packs());
  const std::vector<std::uint64_t> present = packs_->packs();
  if (!std::includes(present.begin(), present.end(), needed.begin(), needed.end())) return false;
  if (state.journal.sequence == 0) return true;
  // The entry at the mark must be the one that was applied.
  bool same = false;
  const auto compare = [&](const JournalEntry& entry) -> Status {
    if (entry.sequence == state.journal.sequence) same = entry.hash == state.journal.hash;
    return entry.sequence < state.journal.sequence ? Status{} : fail(Errc::cancelled, "seen enough");
  };
  const Status replayed = journal_->replay(state.journal.sequence - 1, compare);
  if (!replayed && replayed.error().code != Errc::cancelled) return std::unexpected(replayed.error());
  return same;
}

Status RepositoryCore::recover() {
  std::uint64_t replayed = 0;
  RB_TRY(book_, NodeBook::open(*journal_, *catalog_, *clock_, replayed));
  retention_.start(book_->times());
  // What a crash interrupted the sweep of stays dead.
  RB_TRY(auto dead_set, catalog_->dead_set());
  if (dead_set) gate_.publish(std::move(dead_set));
  RB_TRY(index_, ObjectIndex::open(*catalog_, gate_));
  quarantine_ = std::make_unique<Quarantine>(*file_system_, directory_.quarantine());
  index_->use(*quarantine_);
  RB_TRY(const CatalogState state, catalog_->state());
  RB_TRY(const RecoveryResult recovered, recover_packs(*packs_, *index_, state.packs, recovery_context()));
  report_.records_applied = replayed + recovered.records;
  report_.skipped_bytes = recovered.skipped_bytes;
  report_.incomplete_objects = recovered.incomplete_objects;
  want_again(recovered.missing);
  return report_.catalog_rebuilt ? count_what_is_there() : Status{};
}

// Nodes are asked for it as for what is damaged, or they would go on referring to it.
void RepositoryCore::want_again(const std::vector<DomainKey>& missing) {
  if (missing.empty()) return;
  std::vector<QuarantinedObject> wanted;
  for (const DomainKey& key : missing)
    wanted.push_back({.domain = key.domain, .id = key.id, .at = kNowhere});
  const auto added = quarantine_->add(wanted);
  if (!added) log(LogLevel::error, "{}", added.error().message);
}

Status RepositoryCore::count_what_is_there() {
  report_.nodes = report_.snapshots = report_.damaged_snapshots = 0;
  for (const NodeBook::Member& member : book_->members())
    if (member.record.node != 0) ++report_.nodes;  // the others are only invited
  report_.objects = index_->object_count();
  report_.pack_bytes = packs_->stored_bytes();
  return catalog_->visit_commits([&](const CatalogCommit& commit) -> Status {
    if (book_->mark_of({commit.node, commit.snapshot.sequence}).deleted) return {};
    ++report_.snapshots;
    RB_TRY(const ObjectIndex::Answer answer,
           index_->find(commit.domain, std::span(&commit.snapshot.object, 1)));
    if (!answer.found[0] || !answer.found[0]->complete()) ++report_.damaged_snapshots;
    return {};
  });
}

// What was read of it before its damage was met is forgotten.
Status RepositoryCore::recover_without_catalog() {
  log(LogLevel::warning, "the catalog is damaged: making it anew");
  report_.catalog_rebuilt = true;
  if (gate_.dead_set()) gate_.lift();
  RB_TRY(catalog_->clear(directory_.format.id));
  return recover();
}

RecoveryContext RepositoryCore::recovery_context() {
  RecoveryContext context;
  context.table_rows = kRecoveryTables * options_.index_table_rows;
  context.known_domain = [this](std::uint32_t domain) { return book_->has_domain(domain); };
  context.visit_kept_snapshots = [this](const RecoveryContext::SnapshotVisitor& visit) {
    return catalog_->visit_commits([&](const CatalogCommit& commit) -> Status {
      visit(commit.domain, commit.snapshot.object);
      return {};
    });
  };
  context.on_doubtful_age = [this] {
    CatalogBatch everything_is_young;
    everything_is_young.begins.emplace();
    return catalog_->apply(everything_is_young);
  };
  return context;
}

void RepositoryCore::fence_sessions() {
  sessions_.fence_all();
  writer_->barrier();
  book_->barrier();
}

void RepositoryCore::fence_node(std::uint32_t node) {
  sessions_.fence_node(node);
  writer_->barrier();
  book_->barrier();
}

std::string RepositoryCore::read_only_reason() {
  book_->try_to_resume();
  std::string reason = journal_->read_only_reason();
  return reason.empty() ? space_->read_only_reason() : reason;
}

Quota RepositoryCore::quota_of(const std::string& node_name) const {
  const std::lock_guard lock(quotas_mutex_);
  const auto own = node_quotas_.find(node_name);
  return own == node_quotas_.end() ? standard_quota_ : own->second;
}

void RepositoryCore::set_quotas(const Quota& standard, std::map<std::string, Quota> by_node) {
  const std::lock_guard lock(quotas_mutex_);
  standard_quota_ = standard;
  node_quotas_ = std::move(by_node);
}

}  // namespace rb
