// A set of object numbers as pages of bits, for marks and for the dead set. A page exists from its first
// member on, so that ranges in which everything died long ago cost nothing: 100 million objects take 12.5 MB.
// Nothing is ever taken out. Reading one that nobody changes is safe on several threads; otherwise not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

namespace rb {

using ObjectNumber = std::uint64_t;  // 0: none

class NumberBitmap {
 public:
  static constexpr std::uint64_t kPageNumbers = 65536;
  using Page = std::array<std::uint64_t, kPageNumbers / 64>;  // bit n % 64 of word n / 64

  NumberBitmap() = default;
  NumberBitmap(NumberBitmap&& other) noexcept { *this = std::move(other); }
  NumberBitmap& operator=(NumberBitmap&& other) noexcept;

  bool contains(ObjectNumber number) const;
  bool add(ObjectNumber number);                         // whether it was new
  void add_range(ObjectNumber first, ObjectNumber end);  // `end` is not in it
  void add_page(std::uint64_t index, const Page& page);  // as it stands in pages()
  std::uint64_t count() const { return count_; }
  const std::map<std::uint64_t, std::unique_ptr<Page>>& pages() const { return pages_; }  // by number / 65536

  bool operator==(const NumberBitmap& other) const;

 private:
  Page& page_of(std::uint64_t index);
  void add_bits(std::uint64_t& word, std::uint64_t bits);

  std::map<std::uint64_t, std::unique_ptr<Page>> pages_;
  std::uint64_t count_ = 0;
  // The page that was added to last: what is added lies close together.
  std::uint64_t latest_index_ = 0;
  Page* latest_ = nullptr;
};

}  // namespace rb
