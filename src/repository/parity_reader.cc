#include "repository/parity_reader.h"

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "repository/sector_file.h"

namespace rb {

namespace {

constexpr std::uint32_t kWindowSectors = 1024;
// A burst damages neighbouring stripes alike, and they are solved together: longer reads, fewer matrices.
constexpr std::uint32_t kTaskStripesMax = 64;

SectorFile pack_sectors(const File& pack, const ParityIndex& index) {
  return {pack, 0, index.layout.pack_bytes, index.sector_crcs};
}

SectorFile parity_sectors(const File& parity, const ParityIndex& index) {
  const ParityLayout& layout = index.layout;
  return {parity, layout.parity_offset(0), layout.parity_sectors() * std::uint64_t{kParitySectorBytes},
          index.parity_crcs};
}

// A run of sectors, in memory that a device may write to. Takes no more of it than the file has: most packs
// of a small repository are smaller than a window.
class Window {
 public:
  void read(const SectorFile& file, std::uint32_t first) {
    const std::uint32_t count = std::min(kWindowSectors, file.sectors() - first);
    memory_.resize(count * kParitySectorBytes + kDeviceBlock);
    void* aligned = memory_.data();
    std::size_t room = memory_.size();
    std::align(kDeviceBlock, count * kParitySectorBytes, aligned, room);
    bytes_ = {static_cast<std::uint8_t*>(aligned), count * kParitySectorBytes};
    damaged_ = file.read(first, bytes_);
  }
  ByteView bytes() const { return bytes_; }
  const std::vector<std::uint32_t>& damaged() const { return damaged_; }

 private:
  Bytes memory_;
  std::span<std::uint8_t> bytes_;
  std::vector<std::uint32_t> damaged_;
};

// Reads all sectors in order; `see` gets each window. The next two are being read meanwhile, by other
// threads: one reading at a time leaves the device idle while its bytes are held against their checksums.
template <typename See>
Status read_all(const SectorFile& file, const ParityReader::Pace& pace, const See& see) {
  std::array<Window, 3> windows;
  std::array<std::future<void>, 3> readings;
  const auto place_of = [&](std::uint32_t first) { return first / kWindowSectors % windows.size(); };
  const auto launch = file.sectors() <= kWindowSectors ? std::launch::deferred  // nothing to do meanwhile
                                                       : std::launch::async | std::launch::deferred;
  const auto begin = [&](std::uint64_t first) {
    if (first >= file.sectors()) return;
    const auto at = static_cast<std::uint32_t>(first);
    readings[place_of(at)] = std::async(launch, [&, at] { windows[place_of(at)].read(file, at); });
  };
  begin(0);
  begin(kWindowSectors);
  for (std::uint64_t first = 0; first < file.sectors(); first += kWindowSectors) {
    begin(first + 2 * std::uint64_t{kWindowSectors});
    const std::size_t place = place_of(static_cast<std::uint32_t>(first));
    readings[place].get();
    see(windows[place]);
    if (pace) RB_TRY(pace(windows[place].bytes().size()));
  }
  return {};
}

std::string name_sectors(const std::vector<std::uint32_t>& sectors) {
  std::string names;
  for (std::size_t i = 0; i < std::min<std::size_t>(sectors.size(), 8); ++i)
    names += fmt::format("{}{}", i == 0 ? "" : ", ", sectors[i]);
  return names + (sectors.size() > 8 ? fmt::format(" and {} more", sectors.size() - 8) : "");
}

}  // namespace

// Neighbouring stripes in which the same rows are lost, and the parity rows to find them with.
struct ParityReader::Task {
  std::uint32_t first_stripe = 0, stripes = 0;
  std::vector<unsigned> lost, parity;

  bool continues_with(const Task& next) const {
    return next.first_stripe == first_stripe + stripes && stripes < kTaskStripesMax && next.lost == lost &&
           next.parity == parity;
  }
};

Result<ParityReader> ParityReader::open(std::shared_ptr<const File> parity, const ParityOwner& owner) {
  RB_TRY(const std::uint64_t bytes, parity->size());
  Bytes page(kParitySectorBytes);
  const auto read_page = [&](std::uint64_t offset) -> std::optional<ByteView> {
    const auto got = parity->read_at(offset, page);
    if (!got || *got != page.size()) return std::nullopt;
    return page;
  };
  RB_TRY(DecodedParityIndex decoded, decode_parity_index(owner, bytes, read_page));
  return ParityReader(std::move(parity), std::move(decoded));
}

ParityReader::ParityReader(std::shared_ptr<const File> parity, DecodedParityIndex decoded)
    : parity_(std::move(parity)),
      index_(std::move(decoded.index)),
      damaged_pages_(decoded.damaged_pages),
      code_(index_.layout.data_rows(), index_.layout.parity_rows) {}

Result<PackCondition> ParityReader::examine(const File& pack, const Pace& pace) const {
  PackCondition condition{.damaged_pages = damaged_pages_};
  Hasher hasher;
  std::uint64_t left = layout().pack_bytes;
  RB_TRY(read_all(pack_sectors(pack, index_), pace, [&](const Window& window) {
    condition.damaged.insert(condition.damaged.end(), window.damaged().begin(), window.damaged().end());
    const std::uint64_t length = std::min<std::uint64_t>(window.bytes().size(), left);
    hasher.update(window.bytes().first(length));
    left -= length;
  }));
  RB_TRY(read_all(parity_sectors(*parity_, index_), pace, [&](const Window& window) {
    condition.damaged_parity.insert(condition.damaged_parity.end(), window.damaged().begin(),
                                    window.damaged().end());
  }));
  const auto size = pack.size();
  condition.pack_intact = condition.damaged.empty() && size && *size == layout().pack_bytes &&
                          hasher.digest() == index_.pack_digest;
  return condition;
}

PackCondition ParityReader::examine_stripes_of(const File& pack,
                                               const std::vector<std::uint32_t>& sectors) const {
  std::set<std::uint32_t> stripes;
  for (const std::uint32_t sector : sectors)
    stripes.insert(sector % layout().stripes);
  PackCondition condition;
  Bytes bytes(kParitySectorBytes);
  const auto examine_rows = [&](const SectorFile& file, std::uint32_t rows,
                                std::vector<std::uint32_t>& damaged) {
    for (std::uint32_t row = 0; row < rows; ++row) {
      for (const std::uint32_t stripe : stripes) {
        const std::uint32_t sector = layout().sector(row, stripe);
        if (sector < file.sectors() && !file.read(sector, bytes).empty()) damaged.push_back(sector);
      }
    }
  };
  examine_rows(pack_sectors(pack, index_), layout().data_rows(), condition.damaged);
  examine_rows(parity_sectors(*parity_, index_), layout().parity_rows, condition.damaged_parity);
  return condition;
}

std::vector<ParityReader::Task> ParityReader::plan(const PackCondition& condition,
                                                   std::vector<std::uint32_t>& beyond_reach) const {
  const std::uint32_t stripes = layout().stripes;
  std::map<std::uint32_t, std::vector<unsigned>> lost;
  for (const std::uint32_t sector : condition.damaged)
    lost[sector % stripes].push_back(sector / stripes);
  const std::set<std::uint32_t> lost_parity(condition.damaged_parity.begin(), condition.damaged_parity.end());

  std::vector<Task> tasks;
  for (auto& [stripe, rows] : lost) {
    Task task{.first_stripe = stripe, .stripes = 1, .lost = std::move(rows)};
    for (unsigned j = 0; j < layout().parity_rows && task.parity.size() < task.lost.size(); ++j) {
      if (!lost_parity.contains(layout().sector(j, stripe))) task.parity.push_back(j);
    }
    if (task.parity.size() < task.lost.size()) {
      for (const unsigned row : task.lost)
        beyond_reach.push_back(layout().sector(row, stripe));
    } else if (!tasks.empty() && tasks.back().continues_with(task)) {
      ++tasks.back().stripes;
    } else {
      tasks.push_back(std::move(task));
    }
  }
  return tasks;
}

Result<SectorRepair> ParityReader::repair(const File& pack, const PackCondition& condition,
                                          const SectorSink& sink) const {
  SectorRepair result;
  for (const Task& task : plan(condition, result.beyond_reach))
    RB_TRY(run(pack, task, sink, result));
  std::ranges::sort(result.corrected);
  std::ranges::sort(result.beyond_reach);
  return result;
}

Status ParityReader::run(const File& pack, const Task& task, const SectorSink& sink,
                         SectorRepair& result) const {
  const auto rows = solve(pack, task);
  const SectorFile file = pack_sectors(pack, index_);
  for (std::uint32_t i = 0; i < task.stripes; ++i) {
    const auto sector_of = [&](unsigned row) { return layout().sector(row, task.first_stripe + i); };
    const auto bytes_of = [&](std::size_t k) {
      return ByteView((*rows)[k]).subspan(i * kParitySectorBytes, kParitySectorBytes);
    };
    // Something else than was examined may have been read: then a wrong input makes all of a stripe wrong.
    bool right = rows.has_value();
    for (std::size_t k = 0; right && k < task.lost.size(); ++k)
      right = file.matches(sector_of(task.lost[k]), bytes_of(k));
    for (std::size_t k = 0; k < task.lost.size(); ++k) {
      const std::uint32_t sector = sector_of(task.lost[k]);
      (right ? result.corrected : result.beyond_reach).push_back(sector);
      if (right) RB_TRY(sink(sector, bytes_of(k).first(file.length_of(sector))));
    }
  }
  return {};
}

std::optional<std::vector<Bytes>> ParityReader::solve(const File& pack, const Task& task) const {
  const SectorFile data = pack_sectors(pack, index_), parity = parity_sectors(*parity_, index_);
  Bytes piece(std::size_t{task.stripes} * kParitySectorBytes);
  ErasureSolver solver(code_, task.lost, task.parity, piece.size());
  for (unsigned row = 0; row < layout().data_rows(); ++row) {
    if (std::ranges::find(task.lost, row) != task.lost.end()) continue;
    // The last row may end before these stripes or within them: the rest of it is zeros.
    const std::uint32_t first = layout().sector(row, task.first_stripe);
    const std::uint32_t count = std::min(task.stripes, data.sectors() - std::min(first, data.sectors()));
    const std::span<std::uint8_t> there = std::span(piece).first(count * kParitySectorBytes);
    std::ranges::fill(std::span(piece).subspan(there.size()), 0);
    if (count > 0 && !data.read(first, there).empty()) return std::nullopt;
    solver.add(row, piece);
  }
  for (std::size_t k = 0; k < task.parity.size(); ++k) {
    if (!parity.read(layout().sector(task.parity[k], task.first_stripe), piece).empty()) return std::nullopt;
    solver.add_parity(k, piece);
  }
  return solver.solve();
}

Result<Bytes> ParityReader::read_corrected(const File& pack, std::uint64_t offset, std::size_t length) const {
  if (offset > layout().pack_bytes || length > layout().pack_bytes - offset) {
    return fail(Errc::invalid_argument, fmt::format("{} bytes at {} are not in the pack", length, offset));
  }
  if (length == 0) return Bytes{};
  const auto first = static_cast<std::uint32_t>(offset / kParitySectorBytes);
  const auto last = static_cast<std::uint32_t>((offset + length - 1) / kParitySectorBytes);
  Bytes bytes((std::size_t{last - first} + 1) * kParitySectorBytes);
  const std::vector<std::uint32_t> damaged = pack_sectors(pack, index_).read(first, bytes);
  std::set<std::uint32_t> missing(damaged.begin(), damaged.end());
  if (!missing.empty()) {
    const auto put = [&](std::uint32_t sector, ByteView content) -> Status {
      if (sector < first || sector > last) return {};
      std::ranges::copy(content,
                        bytes.begin() + static_cast<std::ptrdiff_t>((sector - first) * kParitySectorBytes));
      missing.erase(sector);
      return {};
    };
    RB_TRY(const SectorRepair repaired, repair(pack, examine_stripes_of(pack, damaged), put));
  }
  if (!missing.empty()) {
    const std::vector<std::uint32_t> lost(missing.begin(), missing.end());
    return fail(
        Errc::corrupt,
        fmt::format("sectors {} of the pack are lost beyond what its parity can repair", name_sectors(lost)));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(offset - std::uint64_t{first} *
                                                                                      kParitySectorBytes));
  bytes.resize(length);
  return bytes;
}

}  // namespace rb
