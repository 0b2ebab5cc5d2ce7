// The journal: what the administrator and the clients decided, in order, in two copies. Append-only segments
// of records, each with a sequence number and its predecessor's hash; a record is synced in both copies
// before append() answers. Journal and packs are the truth; everything else derives from them. Layout:
// docs/format.md, "Journal". Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "format/journal_format.h"
#include "store/store.h"

namespace rb {

// The id that people see: the first 16 bytes of the hash of the record as encoded, sequence number and
// predecessor's hash included.
struct JournalEntry {
  std::uint64_t sequence = 0;  // of the journal, from 1
  Digest hash;
  JournalRecord record;
};
inline SnapshotId snapshot_id_of(const JournalEntry& entry) {
  return SnapshotId::from(ByteView(entry.hash.bytes).first(16));
}

class Journal {
 public:
  // Reads both copies and repairs the shorter or damaged one from the other. Two valid chains that differ:
  // opens read-only, and read_only_reason() says so. After a torn tail a new segment is opened.
  static Result<std::unique_ptr<Journal>> open(FileSystem& fs, std::string directory_1,
                                               std::string directory_2, const RepositoryId& repository);
  virtual ~Journal() = default;

  // Durable in both copies when it returns. After a failed write or sync the record must be taken for neither
  // there nor not there: the journal is read-only until resume() has settled it, or it is opened again.
  virtual Result<JournalEntry> append(const JournalRecord& record) = 0;
  // After a failed write: reads both copies again, as opening does, and goes on where they end. The record in
  // doubt may turn out to be there: then last_sequence() is one higher, and whoever appends has to take that
  // entry first. Nothing happens when it can be written. An error: it is read-only still, ask again later.
  virtual Status resume() = 0;

  // All entries after `after_sequence`, in order.
  using Visitor = std::function<Status(const JournalEntry&)>;
  virtual Status replay(std::uint64_t after_sequence, const Visitor& visit) = 0;

  virtual std::uint64_t last_sequence() const = 0;
  // Empty when it can be written.
  virtual std::string read_only_reason() const = 0;
};

}  // namespace rb
