// Reed-Solomon code over GF(2^8) (polynomial 0x11d) with a Cauchy matrix, by ISA-L: k data rows and m parity
// rows of equal length, and any m lost rows can be computed from the k others. Parity row j is the sum over
// all data rows i of data[i] / (i xor (k + j)), byte by byte.
//
// It must be known which rows are lost: a wrong row that is taken for a good one makes everything wrong that
// is computed with it. Values; thread-safe once made.
//
// Sources: J. Bloemer and others, "An XOR-Based Erasure-Resilient Coding Scheme", ICSI TR-95-048, 1995; the
// matrix is ISA-L's gf_gen_cauchy1_matrix.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"

namespace rb {

// Data and parity rows together: the coefficients of a Cauchy matrix need as many different field elements.
inline constexpr unsigned kErasureRowsMax = 255;

class ErasureCode {
 public:
  // Requires: both at least 1, together at most kErasureRowsMax.
  ErasureCode(unsigned data_rows, unsigned parity_rows);

  unsigned data_rows() const { return data_rows_; }
  unsigned parity_rows() const { return parity_rows_; }
  std::uint8_t coefficient(unsigned parity_row, unsigned data_row) const;

  // Adds what one data row, or a piece of it, contributes to the parity rows, which begin as zeros. Once for
  // each data row, in any order; a row of zeros contributes nothing and may be left out. Requires: parity has
  // parity_rows() pointers to data.size() bytes each.
  void add(unsigned data_row, ByteView data, std::span<std::uint8_t* const> parity) const;

 private:
  unsigned data_rows_, parity_rows_;
  std::vector<std::uint8_t> tables_;
};

// Computes lost data rows: add() every data row that is not lost and add_parity() as many parity rows as are
// lost, then solve(). Works on `length` bytes of each row.
class ErasureSolver {
 public:
  // Requires: as many parity rows as lost ones, none twice.
  ErasureSolver(const ErasureCode& code, std::vector<unsigned> lost, std::vector<unsigned> parity,
                std::size_t length);

  void add(unsigned data_row, ByteView data);
  // Of the parity row that is the index-th of those it was made with.
  void add_parity(std::size_t index, ByteView parity);
  // The lost rows, in the order they were named. Once, at the end.
  std::vector<Bytes> solve();

 private:
  unsigned data_rows_;
  std::vector<unsigned> lost_;
  std::vector<std::uint8_t> tables_;   // from good data rows to sums
  std::vector<std::uint8_t> inverse_;  // from sums to lost rows, as tables
  std::vector<Bytes> sums_;
};

}  // namespace rb
