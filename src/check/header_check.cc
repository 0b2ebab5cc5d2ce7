#include "check/header_check.h"

#include <algorithm>

#include "format/block.h"

namespace rb {

namespace {

// 100 bytes each.
constexpr std::uint64_t kGroupRows = 1 << 20;
constexpr std::size_t kFirstReadBytes = 4096;
constexpr std::size_t kWrongMax = 100'000;

struct PackGroup {
  std::uint64_t first = 0, last = 0;  // packs
};

std::vector<PackGroup> plan_groups(const std::map<std::uint64_t, std::uint64_t>& rows_by_pack) {
  std::vector<PackGroup> groups;
  std::uint64_t rows = kGroupRows;
  for (const auto& [pack, count] : rows_by_pack) {
    if (rows + count > kGroupRows) {
      groups.push_back({pack, pack});
      rows = 0;
    }
    groups.back().last = pack;
    rows += count;
  }
  return groups;
}

// The directory of the block of a record, from as few bytes as hold it.
Result<BlockDirectory> read_directory(const File& pack, const PackPosition& at, const HashKey& key,
                                      std::uint32_t domain) {
  Bytes front(kFirstReadBytes);
  RB_TRY(const std::size_t got, pack.read_at(at.offset, front));
  front.resize(got);
  const auto header = decode_pack_record_header(front, at, key);
  if (!header) return fail(Errc::corrupt, "no record begins here");
  if (header->owner.domain != domain) return fail(Errc::corrupt, "the record is of another domain");
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
  return read_block_front(ByteView(front).subspan(begin, length));
}

class HeaderCheck {
 public:
  HeaderCheck(RepositoryCore& core, const RowCheckReport& rows, Pace& pace)
      : core_(core), rows_(rows), pace_(pace) {}

  Status check_group(const PackGroup& group) {
    std::vector<LocatedRow> rows;
    RB_TRY(visit_rows(core_, pace_, [&](const LocatedRow& row) -> Status {
      if (row.row.at.pack >= group.first && row.row.at.pack <= group.last) rows.push_back(row);
      return {};
    }));
    std::sort(rows.begin(), rows.end(),
              [](const LocatedRow& a, const LocatedRow& b) { return a.row.at < b.row.at; });
    for (std::size_t first = 0; first < rows.size();) {
      std::size_t end = first;
      while (end < rows.size() && rows[end].row.at == rows[first].row.at)
        ++end;
      RB_TRY(check_record(std::span(rows).subspan(first, end - first)));
      first = end;
    }
    return {};
  }

  HeaderCheckReport take() { return std::move(report_); }

 private:
  // Rows of one place.
  Status check_record(std::span<const LocatedRow> rows) {
    const PackPosition at = rows.front().row.at;
    RB_TRY(pace_.spend(kFirstReadBytes));
    ++report_.records;
    const auto directory = read(at, rows.front().domain);
    for (const LocatedRow& row : rows) {
      if (directory && agrees(row, rows.front().domain, *directory)) continue;
      RB_TRY(const bool stands, still_stands(core_, row));
      if (!stands) continue;
      report_.damaged_packs.insert(at.pack);
      if (report_.wrong.size() < kWrongMax) report_.wrong.push_back(row);
    }
    return {};
  }

  Result<BlockDirectory> read(const PackPosition& at, std::uint32_t domain) {
    if (!file_ || file_pack_ != at.pack) {
      RB_TRY(file_, core_.file_system().open(core_.packs().path(at.pack), OpenMode::read));
      file_pack_ = at.pack;
    }
    return read_directory(*file_, at, core_.directory().format.record_key, domain);
  }

  bool agrees(const LocatedRow& row, std::uint32_t domain, const BlockDirectory& directory) const {
    if (row.domain != domain || row.row.index >= directory.objects.size()) return false;
    const BlockObject& object = directory.objects[row.row.index];
    if (object.id != row.id || object.kind != row.row.kind) return false;
    // A row of an object with references has some children, unless it is known to be incomplete.
    const bool is_incomplete = (row.row.flags & kRowIncomplete) != 0 || row.row.number >= rows_.limit;
    return object.refs.empty() || is_incomplete || rows_.with_children.contains(row.row.number);
  }

  RepositoryCore& core_;
  const RowCheckReport& rows_;
  Pace& pace_;
  HeaderCheckReport report_;
  std::unique_ptr<File> file_;
  std::uint64_t file_pack_ = 0;
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
