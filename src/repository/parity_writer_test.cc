#include "repository/parity_writer.h"

#include "repository/parity_test_support.h"

namespace rb::test {
namespace {

// However the pack is cut into groups and slices, the parity is what the definition says.
TEST(ParityWriterTest, IsTheCodeOfTheRows) {
  ParityBench bench(20'000'000, 1, 1);
  const ParityLayout& layout = bench.layout();
  const Bytes file = *bench.fs().contents(kParity);
  ASSERT_EQ(file.size(), layout.file_bytes());
  Bytes rows = bench.content();
  rows.resize(layout.data_rows() * layout.row_bytes());
  const ErasureCode code(layout.data_rows(), layout.parity_rows);
  std::vector<Bytes> parity(layout.parity_rows, Bytes(layout.row_bytes()));
  std::vector<std::uint8_t*> pointers;
  for (Bytes& row : parity)
    pointers.push_back(row.data());
  for (unsigned i = 0; i < layout.data_rows(); ++i)
    code.add(i, ByteView(rows).subspan(i * layout.row_bytes(), layout.row_bytes()), pointers);
  for (unsigned j = 0; j < layout.parity_rows; ++j) {
    EXPECT_TRUE(std::ranges::equal(
        parity[j], ByteView(file).subspan(layout.parity_offset(layout.sector(j, 0)), layout.row_bytes())));
  }
}

TEST(ParityWriterTest, IsThereWholeOrNotAtAll) {
  const Bytes pack(100'000, 7);
  for (std::uint64_t after = 0;; ++after) {
    FakeFileSystem fs;
    fs.put(kPack, pack);
    fs.fail({.after = after});
    const Status written = write_pack_parity(fs, kPack, kParity, kOwner);
    const bool struck = fs.fault_struck();
    fs.fail_nothing();
    EXPECT_EQ(written.has_value(), !struck);
    if (const auto found = fs.open(kParity, OpenMode::read)) {
      EXPECT_TRUE(ParityReader::open(fs.open(kParity, OpenMode::read).value(), kOwner)) << after;
    }
    if (!struck) break;
    EXPECT_TRUE(write_pack_parity(fs, kPack, kParity, kOwner)) << "a second attempt";
    ASSERT_LT(after, 100u);
  }
}

TEST(ParityWriterTest, IsDurableWhenItReturns) {
  ParityBench bench(100'000, 5, 2);
  const Bytes file = *bench.fs().contents(kParity);
  EXPECT_EQ(bench.fs().reopen(Survival::none)->contents(kParity), file);
}

TEST(ParityWriterTest, AnEmptyPackHasNone) {
  FakeFileSystem fs;
  fs.put(kPack, {});
  const Status written = write_pack_parity(fs, kPack, kParity, kOwner);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::unsupported);
  EXPECT_FALSE(fs.contents(kParity));
}

}  // namespace
}  // namespace rb::test
