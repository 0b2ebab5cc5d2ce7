// Holds a pack against its parity and computes what the pack has lost. Writes nothing: corrected sectors go
// to the caller (pack_repair.h makes a new file of them). Nothing is given that does not have the CRC of
// what stood there. Memory: the tables of CRCs, and about 15 MiB. Thread-safe; borrows the files.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/erasure_code.h"
#include "base/file_system.h"
#include "format/pack_parity.h"

namespace rb {

// What is wrong with a pack and its parity. All numbers ascend.
struct PackCondition {
  std::vector<std::uint32_t> damaged;         // sectors of the pack
  std::vector<std::uint32_t> damaged_parity;  // parity sectors
  std::size_t damaged_pages = 0;              // of the index; each is whole in the other copy
  // The pack is to the byte what it was: no sector is damaged, its length and digest are right.
  bool pack_intact = false;
  // Nothing is lost, but a new parity should be made.
  bool parity_intact() const { return damaged_parity.empty() && damaged_pages == 0; }
};

struct SectorRepair {
  std::vector<std::uint32_t> corrected;     // given to the sink
  std::vector<std::uint32_t> beyond_reach;  // more of a stripe is lost than there is parity left of it
};

class ParityReader {
 public:
  // Errors: those of decode_parity_index, and of the file.
  static Result<ParityReader> open(std::shared_ptr<const File> parity, const ParityOwner& owner);

  const ParityLayout& layout() const { return index_.layout; }
  const Digest& pack_digest() const { return index_.pack_digest; }

  // Called between reads with the number of bytes just read: may wait, or end it with an error.
  using Pace = std::function<Status(std::uint64_t bytes)>;
  // Reads all of both files, in order.
  Result<PackCondition> examine(const File& pack, const Pace& pace = {}) const;

  // A sector's number and its bytes: 4096 of them, fewer of the last sector where the pack ends.
  using SectorSink = std::function<Status(std::uint32_t sector, ByteView bytes)>;
  // Gives every damaged sector within reach to the sink once, in no order. `condition` is of this pack, and
  // complete for the stripes it names. Errors are the sink's.
  Result<SectorRepair> repair(const File& pack, const PackCondition& condition, const SectorSink& sink) const;

  // Bytes of the pack as they were, repaired where need be: for reading a record whose check failed. Reads
  // only the stripes that are damaged there. Errc::corrupt names what is beyond reach, Errc::invalid_argument
  // a range outside the pack.
  Result<Bytes> read_corrected(const File& pack, std::uint64_t offset, std::size_t length) const;

 private:
  struct Task;
  ParityReader(std::shared_ptr<const File> parity, DecodedParityIndex decoded);

  PackCondition examine_stripes_of(const File& pack, const std::vector<std::uint32_t>& sectors) const;
  std::vector<Task> plan(const PackCondition& condition, std::vector<std::uint32_t>& beyond_reach) const;
  Status run(const File& pack, const Task& task, const SectorSink& sink, SectorRepair& result) const;
  // Nothing when what it needs can't be read any more.
  std::optional<std::vector<Bytes>> solve(const File& pack, const Task& task) const;

  std::shared_ptr<const File> parity_;
  ParityIndex index_;
  std::size_t damaged_pages_ = 0;
  ErasureCode code_;
};

}  // namespace rb
