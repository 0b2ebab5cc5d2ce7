// A set of object numbers as pages of bits, for marks and for the dead set. A page exists from its first
// member on, so that ranges in which everything died long ago cost nothing: 100 million objects take 12.5 MB.
// Where no page is missing, as in a store of which little has died, each is found in one step.
// Nothing is ever taken out. Reading one that nobody changes is safe on several threads; otherwise not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace rb {

using ObjectNumber = std::uint64_t;  // 0: none

class NumberBitmap {
 public:
  static constexpr std::uint64_t kPageNumbers = 65536;
  using Page = std::array<std::uint64_t, kPageNumbers / 64>;  // bit n % 64 of word n / 64
  struct PlacedPage {
    std::uint64_t index = 0;  // number / kPageNumbers
    std::unique_ptr<Page> page;
  };

  NumberBitmap() = default;
  NumberBitmap(NumberBitmap&& other) noexcept { *this = std::move(other); }
  NumberBitmap& operator=(NumberBitmap&& other) noexcept;

  bool contains(ObjectNumber number) const;
  bool add(ObjectNumber number);                         // whether it was new
  void add_range(ObjectNumber first, ObjectNumber end);  // `end` is not in it
  void add_page(std::uint64_t index, const Page& page);  // as it stands in pages()
  std::uint64_t count() const { return count_; }
  const std::vector<PlacedPage>& pages() const { return pages_; }  // ascending

  bool operator==(const NumberBitmap& other) const;

 private:
  // Where the page is, or would be.
  std::size_t place_of(std::uint64_t index) const;
  bool has_page(std::size_t place, std::uint64_t index) const {
    return place < pages_.size() && pages_[place].index == index;
  }
  Page& page_of(std::uint64_t index);
  void add_bits(std::uint64_t& word, std::uint64_t bits);

  std::vector<PlacedPage> pages_;
  std::uint64_t count_ = 0;
};

}  // namespace rb
