#include "base/erasure_code.h"

#include <numeric>

#include <isa-l/erasure_code.h>

#include "base/error.h"

namespace rb {

namespace {

// ISA-L's expanded form of one coefficient.
constexpr std::size_t kTableBytes = 32;

std::uint8_t cauchy(unsigned data_rows, unsigned parity_row, unsigned data_row) {
  return ::gf_inv(static_cast<std::uint8_t>((data_rows + parity_row) ^ data_row));
}

// `rows` rows of `columns` coefficients each.
std::vector<std::uint8_t> make_tables(unsigned columns, unsigned rows, std::vector<std::uint8_t> matrix) {
  std::vector<std::uint8_t> tables(kTableBytes * columns * rows);
  ::ec_init_tables(static_cast<int>(columns), static_cast<int>(rows), matrix.data(), tables.data());
  return tables;
}

std::vector<std::uint8_t> make_tables(unsigned data_rows, std::span<const unsigned> parity_rows) {
  std::vector<std::uint8_t> matrix;
  matrix.reserve(data_rows * parity_rows.size());
  for (const unsigned j : parity_rows) {
    for (unsigned i = 0; i < data_rows; ++i)
      matrix.push_back(cauchy(data_rows, j, i));
  }
  return make_tables(data_rows, static_cast<unsigned>(parity_rows.size()), std::move(matrix));
}

// ISA-L takes pointers to what it does not change, and int lengths.
unsigned char* unconst(ByteView bytes) {
  return const_cast<unsigned char*>(bytes.data());
}
int as_length(std::size_t length) {
  RB_ASSERT(length <= INT32_MAX);
  return static_cast<int>(length);
}

void add_row(std::vector<std::uint8_t> const& tables, unsigned data_rows, unsigned data_row, ByteView data,
             std::span<std::uint8_t* const> sums) {
  RB_ASSERT(data_row < data_rows);
  ::ec_encode_data_update(as_length(data.size()), static_cast<int>(data_rows), static_cast<int>(sums.size()),
                          static_cast<int>(data_row), const_cast<unsigned char*>(tables.data()),
                          unconst(data), const_cast<unsigned char**>(sums.data()));
}

std::vector<std::uint8_t*> pointers_to(std::vector<Bytes>& rows) {
  std::vector<std::uint8_t*> pointers;
  pointers.reserve(rows.size());
  for (Bytes& row : rows)
    pointers.push_back(row.data());
  return pointers;
}

}  // namespace

ErasureCode::ErasureCode(unsigned data_rows, unsigned parity_rows)
    : data_rows_(data_rows), parity_rows_(parity_rows) {
  RB_ASSERT(data_rows >= 1 && parity_rows >= 1 && data_rows + parity_rows <= kErasureRowsMax);
  std::vector<unsigned> all(parity_rows);
  std::iota(all.begin(), all.end(), 0u);
  tables_ = make_tables(data_rows, all);
}

std::uint8_t ErasureCode::coefficient(unsigned parity_row, unsigned data_row) const {
  return cauchy(data_rows_, parity_row, data_row);
}

void ErasureCode::add(unsigned data_row, ByteView data, std::span<std::uint8_t* const> parity) const {
  RB_ASSERT(parity.size() == parity_rows_);
  add_row(tables_, data_rows_, data_row, data, parity);
}

ErasureSolver::ErasureSolver(const ErasureCode& code, std::vector<unsigned> lost,
                             std::vector<unsigned> parity, std::size_t length)
    : data_rows_(code.data_rows()), lost_(std::move(lost)), sums_(lost_.size(), Bytes(length)) {
  const auto count = static_cast<unsigned>(lost_.size());
  RB_ASSERT(count >= 1 && parity.size() == count);
  tables_ = make_tables(data_rows_, parity);
  // What is known of the lost rows: the sums that the parity rows leave when all others are taken away.
  std::vector<std::uint8_t> matrix, inverse(std::size_t{count} * count);
  for (const unsigned j : parity) {
    for (const unsigned i : lost_)
      matrix.push_back(code.coefficient(j, i));
  }
  // Every square part of a Cauchy matrix has an inverse.
  RB_ASSERT(::gf_invert_matrix(matrix.data(), inverse.data(), static_cast<int>(count)) == 0);
  inverse_ = make_tables(count, count, std::move(inverse));
}

void ErasureSolver::add(unsigned data_row, ByteView data) {
  RB_ASSERT(data.size() == sums_.front().size());
  add_row(tables_, data_rows_, data_row, data, pointers_to(sums_));
}

void ErasureSolver::add_parity(std::size_t index, ByteView parity) {
  Bytes& sum = sums_.at(index);
  RB_ASSERT(parity.size() == sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] ^= parity[i];
}

std::vector<Bytes> ErasureSolver::solve() {
  const std::size_t length = sums_.front().size();
  const int count = static_cast<int>(lost_.size());
  std::vector<Bytes> rows(lost_.size(), Bytes(length));
  std::vector<std::uint8_t*> from = pointers_to(sums_), to = pointers_to(rows);
  ::ec_encode_data(as_length(length), count, count, inverse_.data(), from.data(), to.data());
  return rows;
}

}  // namespace rb
