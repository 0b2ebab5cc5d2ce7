#include "check/header_check.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "format/block.h"

namespace rb {

namespace {

// What a row says of its record, as few bytes as will do, so that one reading of all rows serves many packs.
// The row itself is looked for again where the record disagrees.
struct Claim {
  std::uint64_t place = 0;  // pack, counted from the group's first, and offset
  std::uint64_t object =
      0;  // hash of domain, id and kind; whether references are allowed; index in the block
  auto operator<=>(const Claim&) const = default;
};

// 192 MiB: 10 million objects are read in one go, 100 million in eight.
constexpr std::uint64_t kGroupRows = 12 << 20;
constexpr unsigned kOffsetBits = 40;
constexpr std::uint64_t kOffsetMax = (1ull << kOffsetBits) - 1;
constexpr std::uint64_t kGroupPacks = 1ull << (64 - kOffsetBits);
constexpr std::uint64_t kIndexMask = 0x7fff;
constexpr std::uint64_t kMayRefer = 0x8000;
constexpr std::uint64_t kHashMask = ~(kIndexMask | kMayRefer);
static_assert(kMaxBlockObjects < kIndexMask);

constexpr std::size_t kFirstReadBytes = 4096;
// So many rows of the same pack ahead, the device is told what will be read: a few records at least, and few
// enough that it is still in memory then.
constexpr std::size_t kRowsAhead = 256;
constexpr std::size_t kWrongMax = 100'000;

struct PackGroup {
  std::uint64_t first = 0, last = 0;  // packs
  std::uint64_t rows = 0;
};

std::vector<PackGroup> plan_groups(const std::map<std::uint64_t, std::uint64_t>& rows_by_pack) {
  std::vector<PackGroup> groups;
  for (const auto& [pack, count] : rows_by_pack) {
    if (groups.empty() || groups.back().rows + count > kGroupRows ||
        pack - groups.back().first >= kGroupPacks) {
      groups.push_back({pack, pack, 0});
    }
    groups.back().last = pack;
    groups.back().rows += count;
  }
  return groups;
}

// Ids are hashes already, and kept apart by what they are multiplied with. Nobody gains from two that agree.
std::uint64_t object_hash(std::uint32_t domain, const ObjectId& id, ObjectKind kind) {
  std::uint64_t head = 0;
  std::memcpy(&head, id.bytes.data(), sizeof head);
  const std::uint64_t owner = (std::uint64_t{domain} << 8) | static_cast<std::uint64_t>(kind);
  return ((head ^ owner) * 0x9e3779b97f4a7c15) & kHashMask;
}

struct RecordFront {
  std::uint32_t domain = 0;
  BlockDirectory directory;
};

// The directory of the block of a record, from as few bytes as hold it.
Result<RecordFront> read_record_front(const File& pack, const PackPosition& at, const HashKey& key) {
  Bytes front(kFirstReadBytes);
  RB_TRY(const std::size_t got, pack.read_at(at.offset, front));
  front.resize(got);
  const auto header = decode_pack_record_header(front, at, key);
  if (!header) return fail(Errc::corrupt, "no record begins here");
  const auto extend = [&](std::size_t bytes) -> Status {
    if (front.size() >= bytes) return {};
    const std::size_t had = front.size();
    front.resize(bytes);
    RB_TRY(const std::size_t more, pack.read_at(at.offset + had, std::span(front).subspan(had)));
    return had + more < bytes ? fail(Errc::corrupt, "the pack ends here") : Status{};
  };
  const std::size_t begin = header->block_offset();
  RB_TRY(extend(begin + kBlockHeaderBytes));
  RB_TRY(const std::size_t length, block_front_length(ByteView(front).subspan(begin)));
  RB_TRY(extend(begin + length));
  RB_TRY(BlockDirectory directory, read_block_front(ByteView(front).subspan(begin, length)));
  return RecordFront{header->owner.domain, std::move(directory)};
}

class HeaderCheck {
 public:
  HeaderCheck(RepositoryCore& core, const RowCheckReport& rows, Pace& pace)
      : core_(core), rows_(rows), pace_(pace) {}

  Status check_group(const PackGroup& group) {
    group_ = group;
    std::vector<Claim> claims;
    claims.reserve(group.rows);
    RB_TRY(visit_rows(core_, pace_, [&](const LocatedRow& row) -> Status {
      if (is_of_group(row)) claims.push_back(claim_of(row));
      return {};
    }));
    std::sort(claims.begin(), claims.end());
    std::vector<Claim> wrong;
    announced_ = 0;
    for (std::size_t first = 0; first < claims.size();) {
      std::size_t end = first;
      while (end < claims.size() && claims[end].place == claims[first].place)
        ++end;
      announce(claims, end);
      RB_TRY(check_record(std::span(claims).subspan(first, end - first), wrong));
      first = end;
    }
    claims = {};
    return wrong.empty() ? Status{} : name_wrong(wrong);
  }

  HeaderCheckReport take() { return std::move(report_); }

 private:
  // What came since the rows were counted is left to the next check.
  bool is_of_group(const LocatedRow& row) const {
    const std::uint64_t pack = row.row.at.pack;
    return pack >= group_.first && pack <= group_.last && row.row.number < rows_.limit;
  }

  Claim claim_of(const LocatedRow& located) const {
    const ObjectRow& row = located.row;
    Claim claim;
    // An offset or index beyond what there can be names no record, and so is found to be wrong.
    claim.place = ((row.at.pack - group_.first) << kOffsetBits) | std::min(row.at.offset, kOffsetMax);
    claim.object = object_hash(located.domain, located.id, row.kind);
    claim.object |= std::min<std::uint64_t>(row.index, kIndexMask);
    // A row of an object with references has some children, unless it is known to be incomplete.
    if ((row.flags & kRowIncomplete) != 0 || rows_.with_children.contains(row.number))
      claim.object |= kMayRefer;
    return claim;
  }

  // Tells the device of the records that follow in the pack whose file is open.
  void announce(const std::vector<Claim>& claims, std::size_t from) {
    const std::size_t end = std::min(from + kRowsAhead, claims.size());
    for (announced_ = std::max(announced_, from); announced_ < end; ++announced_) {
      const std::uint64_t place = claims[announced_].place;
      if (group_.first + (place >> kOffsetBits) != file_pack_ || !file_) return;
      if (announced_ == 0 || claims[announced_ - 1].place != place)
        file_->will_need(place & kOffsetMax, kFirstReadBytes);
    }
  }

  // Claims of one place.
  Status check_record(std::span<const Claim> claims, std::vector<Claim>& wrong) {
    RB_TRY(pace_.spend(kFirstReadBytes));
    ++report_.records;
    const std::uint64_t place = claims.front().place;
    const auto front = read({.pack = group_.first + (place >> kOffsetBits), .offset = place & kOffsetMax});
    for (const Claim& claim : claims) {
      if (!front || !agrees(claim, *front)) wrong.push_back(claim);
    }
    return {};
  }

  Result<RecordFront> read(const PackPosition& at) {
    if (!file_ || file_pack_ != at.pack) {
      RB_TRY(file_, core_.file_system().open(core_.packs().path(at.pack), OpenMode::read));
      file_pack_ = at.pack;
    }
    return read_record_front(*file_, at, core_.directory().format.record_key);
  }

  static bool agrees(const Claim& claim, const RecordFront& front) {
    const std::uint64_t index = claim.object & kIndexMask;
    if (index >= front.directory.objects.size()) return false;
    const BlockObject& object = front.directory.objects[index];
    if ((claim.object & kHashMask) != object_hash(front.domain, object.id, object.kind)) return false;
    return object.refs.empty() || (claim.object & kMayRefer) != 0;
  }

  // The rows that still say what was found to be wrong. Requires: sorted, as claims are.
  Status name_wrong(const std::vector<Claim>& wrong) {
    return visit_rows(core_, pace_, [&](const LocatedRow& row) -> Status {
      if (!is_of_group(row) || !std::binary_search(wrong.begin(), wrong.end(), claim_of(row))) return {};
      RB_TRY(const bool stands, still_stands(core_, row));
      if (!stands) return {};
      report_.damaged_packs.insert(row.row.at.pack);
      if (report_.wrong.size() < kWrongMax) report_.wrong.push_back(row);
      return {};
    });
  }

  RepositoryCore& core_;
  const RowCheckReport& rows_;
  Pace& pace_;
  HeaderCheckReport report_;
  PackGroup group_;
  std::unique_ptr<File> file_;
  std::uint64_t file_pack_ = 0;
  std::size_t announced_ = 0;  // of the group's claims
};

}  // namespace

Result<HeaderCheckReport> check_headers(RepositoryCore& core, const RowCheckReport& rows, Pace& pace,
                                        CheckProgress& progress) {
  HeaderCheck check(core, rows, pace);
  const std::vector<PackGroup> groups = plan_groups(rows.by_pack);
  progress.total += groups.size();
  for (const PackGroup& group : groups) {
    RB_TRY(check.check_group(group));
    ++progress.done;
  }
  return check.take();
}

}  // namespace rb
