// A pack of random bytes with its parity on a fake disk, and ways to damage both while knowing what should
// come of it.
#pragma once

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "repository/parity_reader.h"
#include "repository/parity_writer.h"

namespace rb::test {

inline constexpr char kPack[] = "/packs/00000003.pack", kParity[] = "/packs/00000003.parity";
inline const ParityOwner kOwner{*id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f"), 3};

// Gives errors where a disk has bad sectors.
class BadSectorFile final : public File {
 public:
  BadSectorFile(const File& file, std::set<std::uint64_t> bad) : file_(file), bad_(std::move(bad)) {}
  Status write_at(std::uint64_t, ByteView) override { return fail(Errc::io, "is read only"); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    const auto next = bad_.lower_bound(offset / kParitySectorBytes);
    if (next != bad_.end() && *next * kParitySectorBytes < offset + out.size()) {
      return fail(Errc::io, "a bad sector");
    }
    return file_.read_at(offset, out);
  }
  Result<std::uint64_t> size() const override { return file_.size(); }
  Status sync() override { return {}; }

 private:
  const File& file_;
  std::set<std::uint64_t> bad_;
};

class ParityBench {
 public:
  ParityBench(std::uint64_t pack_bytes, unsigned percent, unsigned seed)
      : random_(seed), content_(pack_bytes) {
    // Some sectors are alike, as the holes of a disk image are.
    for (std::size_t i = 0; i < content_.size(); ++i)
      content_[i] = i / kParitySectorBytes % 7 == 3 ? 0 : static_cast<std::uint8_t>(random_());
    fs_.put(kPack, content_);
    const Status written = write_pack_parity(fs_, kPack, kParity, kOwner, percent);
    EXPECT_TRUE(written) << written.error().message;
    parity_content_ = *fs_.contents(kParity);
    open();
  }

  // As both were at first.
  void heal() {
    fs_.put(kPack, content_);
    fs_.put(kParity, parity_content_);
    damaged_.clear();
    damaged_parity_.clear();
    open();
  }
  // After files were replaced.
  void open() {
    auto reader = ParityReader::open(fs_.open(kParity, OpenMode::read).value(), kOwner);
    ASSERT_TRUE(reader) << reader.error().message;
    reader_.emplace(std::move(*reader));
    pack_ = fs_.open(kPack, OpenMode::read).value();
  }

  const ParityLayout& layout() const { return reader_->layout(); }
  const ParityReader& reader() const { return *reader_; }
  const File& pack() const { return *pack_; }
  FakeFileSystem& fs() { return fs_; }
  const Bytes& content() const { return content_; }
  std::mt19937& random() { return random_; }

  // Changes the sector: a bit, some bytes, or all of it.
  void damage(std::uint32_t sector) {
    const std::uint64_t at = std::uint64_t{sector} * kParitySectorBytes;
    spoil(kPack, at, std::min<std::uint64_t>(kParitySectorBytes, content_.size() - at));
    damaged_.insert(sector);
  }
  void damage_parity(std::uint32_t sector) {
    spoil(kParity, layout().parity_offset(sector), kParitySectorBytes);
    damaged_parity_.insert(sector);
  }

  // What parity can do about it, by the definition.
  SectorRepair expected() const {
    std::map<std::uint32_t, std::uint32_t> lost, lost_parity;
    for (const std::uint32_t sector : damaged_)
      ++lost[sector % layout().stripes];
    for (const std::uint32_t sector : damaged_parity_)
      ++lost_parity[sector % layout().stripes];
    SectorRepair repair;
    for (const std::uint32_t sector : damaged_) {
      const std::uint32_t stripe = sector % layout().stripes;
      const bool enough = lost[stripe] + lost_parity[stripe] <= layout().parity_rows;
      (enough ? repair.corrected : repair.beyond_reach).push_back(sector);
    }
    return repair;
  }

  void check() { check(*pack_); }
  // Examines and repairs; everything must be as expected, and every byte given as it was at first.
  void check(const File& pack) {
    const auto condition = reader_->examine(pack);
    ASSERT_TRUE(condition);
    EXPECT_EQ(condition->damaged, list(damaged_));
    EXPECT_EQ(condition->damaged_parity, list(damaged_parity_));
    EXPECT_EQ(condition->pack_intact, damaged_.empty());
    std::set<std::uint32_t> given;
    const auto repaired =
        reader_->repair(pack, *condition, [&](std::uint32_t sector, ByteView bytes) -> Status {
          EXPECT_TRUE(given.insert(sector).second) << "twice";
          EXPECT_TRUE(std::ranges::equal(bytes, original(sector))) << "sector " << sector;
          return {};
        });
    ASSERT_TRUE(repaired);
    EXPECT_EQ(repaired->corrected, expected().corrected);
    EXPECT_EQ(repaired->beyond_reach, expected().beyond_reach);
    EXPECT_EQ(list(given), repaired->corrected);
  }

  ByteView original(std::uint32_t sector) const {
    const std::size_t at = std::size_t{sector} * kParitySectorBytes;
    return ByteView(content_).subspan(at, std::min(kParitySectorBytes, content_.size() - at));
  }
  void note_damage(std::uint32_t sector) { damaged_.insert(sector); }

 private:
  static std::vector<std::uint32_t> list(const std::set<std::uint32_t>& set) {
    return {set.begin(), set.end()};
  }

  // It differs afterwards from what it was at first, whatever was done to it before.
  void spoil(const char* path, std::uint64_t offset, std::uint64_t length) {
    const Bytes& whole = path == kPack ? content_ : parity_content_;
    const ByteView first = ByteView(whole).subspan(offset, length);
    Bytes bytes(first.begin(), first.end());
    switch (random_() % 3) {
      case 0:
        bytes[random_() % length] ^= static_cast<std::uint8_t>(1u << random_() % 8);
        break;
      case 1:
        std::ranges::fill(bytes, 0);
        if (std::ranges::equal(bytes, first)) bytes.back() = 1;
        break;
      default:
        for (std::uint8_t& byte : bytes)
          byte = static_cast<std::uint8_t>(random_());
        bytes.front() = static_cast<std::uint8_t>(first.front() + 1);
    }
    fs_.overwrite(path, offset, bytes);
  }

  std::mt19937 random_;
  FakeFileSystem fs_;
  Bytes content_, parity_content_;
  std::optional<ParityReader> reader_;
  std::shared_ptr<const File> pack_;
  std::set<std::uint32_t> damaged_, damaged_parity_;
};

}  // namespace rb::test
