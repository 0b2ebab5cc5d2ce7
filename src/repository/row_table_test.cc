#include "repository/row_table.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace rb {
namespace {

TableRow row_of(std::uint64_t ticket) {
  TableRow row;
  row.object.domain = 1;
  row.object.id = random_id<ObjectId>();
  row.ticket = ticket;
  return row;
}

// Rows with the tickets 0, 0, 0, 1, 1, 1, ...
class RowTableTest : public testing::Test {
 protected:
  static constexpr std::size_t kRows = 3000;
  void SetUp() override {
    for (std::size_t i = 0; i < kRows; ++i) {
      rows_.push_back(row_of(i / 3));
      ASSERT_TRUE(table_.insert(rows_.back()));
    }
  }
  void expect_found(const RowTable& table, std::uint64_t first, std::uint64_t last) const {
    std::size_t expected = 0;
    for (const TableRow& row : rows_) {
      const bool is_in = row.ticket >= first && row.ticket <= last;
      expected += is_in ? 1 : 0;
      const TableRow* found = table.find(row.key());
      ASSERT_EQ(found != nullptr, is_in) << row.ticket;
      if (found != nullptr) EXPECT_EQ(found->key(), row.key());
    }
    EXPECT_EQ(table.size(), expected);
  }

  std::vector<TableRow> rows_;
  RowTable table_;
};

TEST_F(RowTableTest, FindsWhatWasInserted) {
  expect_found(table_, 0, kRows);
  EXPECT_EQ(table_.find({2, rows_[0].object.id}), nullptr);
  EXPECT_EQ(RowTable().find(rows_[0].key()), nullptr);
}

TEST_F(RowTableTest, AKeyStandsThereOnce) {
  TableRow again = rows_[5];
  again.ticket = kRows;
  EXPECT_FALSE(table_.insert(again));
  EXPECT_EQ(table_.size(), kRows);
}

TEST_F(RowTableTest, TakesAPrefix) {
  RowTable taken;
  table_.move_up_to(99, taken);
  expect_found(taken, 0, 99);
  expect_found(table_, 100, kRows);
  EXPECT_TRUE(table_.insert(row_of(kRows)));
}

TEST_F(RowTableTest, TakesAll) {
  RowTable taken;
  table_.move_up_to(kRows, taken);
  expect_found(taken, 0, kRows);
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.find(rows_[0].key()), nullptr);
  EXPECT_TRUE(table_.insert(rows_[0]));
}

TEST_F(RowTableTest, IsUsedAgain) {
  table_.clear();
  EXPECT_EQ(table_.find(rows_[0].key()), nullptr);
  EXPECT_TRUE(table_.insert(rows_[0]));
  EXPECT_EQ(table_.size(), 1u);
  EXPECT_NE(table_.find(rows_[0].key()), nullptr);
}

TEST_F(RowTableTest, TakesASuffix) {
  const std::vector<TableRow> taken = table_.take_after(99);
  ASSERT_EQ(taken.size(), kRows - 300);
  EXPECT_EQ(taken.front().key(), rows_[300].key());
  expect_found(table_, 0, 99);
  EXPECT_TRUE(table_.take_after(99).empty());
}

}  // namespace
}  // namespace rb
