// A collection from beginning to end (docs/gc.md): frees what nobody can reach any more, beside any number of
// backups and restores.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>

#include "repository/repository_core.h"

namespace rb {

struct CollectionOptions {
  bool dry_run = false;                    // only counts
  std::chrono::seconds grace{};            // for so long a deleted snapshot can be undeleted, or instead:
  std::optional<Timestamp> judged_before;  // deletions before this become final
  double dead_share = 0.3;                 // of a pack's bytes, beyond which what is left in it is copied
  std::uint64_t compact_bytes_max = 4ull << 30;  // copied by one collection
  std::uint64_t pack_bytes_max = 128ull << 20;   // of the packs that it is copied into
  // Goes on though a kept snapshot is not complete. What lies beneath a directory that is lost can't be
  // reached and is freed, so whoever finds a missing pack again finds it too late.
  bool though_damaged = false;
  // Called between the steps, by whatever thread runs the collection: to give way, or for tests.
  std::function<void()> between_steps;
};

struct CollectionReport {
  std::uint64_t objects = 0;  // in the catalog when it was looked through
  std::uint64_t dead = 0;     // of these
  std::uint64_t bytes_dead = 0;
  std::uint64_t packs_unlinked = 0, bytes_freed = 0, bytes_copied = 0;
  double seconds = 0;
};

// One at a time: Errc::busy. `cancelled` is looked at between stretches (Errc::cancelled); a mark is
// forgotten then, and a sweep that was begun goes on next time.
Result<CollectionReport> run_collection(RepositoryCore& core, const CollectionOptions& options,
                                        const std::atomic<bool>& cancelled);

// What a crash or an error interrupted; to be called at start, beside sessions if need be. Nothing that was
// found dead comes back before.
Status finish_sweep(RepositoryCore& core, const std::atomic<bool>& cancelled);

}  // namespace rb
