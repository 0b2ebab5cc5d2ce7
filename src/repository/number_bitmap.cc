#include "repository/number_bitmap.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace rb {

namespace {

// The bits from `first` up to `end`, of one word.
std::uint64_t bits_between(std::uint64_t first, std::uint64_t end) {
  const std::uint64_t below_end = end == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << end) - 1;
  return below_end & (~std::uint64_t{0} << first);
}

bool is_empty(const NumberBitmap::Page& page) {
  return std::all_of(page.begin(), page.end(), [](std::uint64_t word) { return word == 0; });
}

}  // namespace

NumberBitmap& NumberBitmap::operator=(NumberBitmap&& other) noexcept {
  if (this == &other) return *this;
  pages_ = std::exchange(other.pages_, {});
  count_ = std::exchange(other.count_, 0);
  return *this;
}

std::size_t NumberBitmap::place_of(std::uint64_t index) const {
  if (pages_.empty() || index < pages_.front().index) return 0;
  const std::uint64_t if_none_is_missing = index - pages_.front().index;
  if (has_page(if_none_is_missing, index)) return if_none_is_missing;
  const auto at = std::ranges::lower_bound(pages_, index, {}, &PlacedPage::index);
  return static_cast<std::size_t>(at - pages_.begin());
}

bool NumberBitmap::contains(ObjectNumber number) const {
  const std::uint64_t index = number / kPageNumbers;
  const std::size_t place = place_of(index);
  if (!has_page(place, index)) return false;
  const std::uint64_t bit = number % kPageNumbers;
  return (((*pages_[place].page)[bit / 64] >> (bit % 64)) & 1) != 0;
}

bool NumberBitmap::add(ObjectNumber number) {
  const std::uint64_t bit = number % kPageNumbers;
  std::uint64_t& word = page_of(number / kPageNumbers)[bit / 64];
  const std::uint64_t before = word;
  add_bits(word, std::uint64_t{1} << (bit % 64));
  return word != before;
}

void NumberBitmap::add_range(ObjectNumber first, ObjectNumber end) {
  while (first < end) {
    const std::uint64_t in_word = first % 64;
    const std::uint64_t taken = std::min(64 - in_word, end - first);
    add_bits(page_of(first / kPageNumbers)[first % kPageNumbers / 64],
             bits_between(in_word, in_word + taken));
    first += taken;
    if (first == 0) return;  // past the highest number there is
  }
}

void NumberBitmap::add_page(std::uint64_t index, const Page& page) {
  if (is_empty(page)) return;
  Page& into = page_of(index);
  for (std::size_t i = 0; i < page.size(); ++i)
    add_bits(into[i], page[i]);
}

bool NumberBitmap::operator==(const NumberBitmap& other) const {
  return std::ranges::equal(pages_, other.pages_, [](const PlacedPage& a, const PlacedPage& b) {
    return a.index == b.index && *a.page == *b.page;
  });
}

NumberBitmap::Page& NumberBitmap::page_of(std::uint64_t index) {
  const std::size_t place = place_of(index);
  if (!has_page(place, index)) {
    const auto before = pages_.begin() + static_cast<std::ptrdiff_t>(place);
    pages_.insert(before, PlacedPage{.index = index, .page = std::make_unique<Page>()});
  }
  return *pages_[place].page;
}

void NumberBitmap::add_bits(std::uint64_t& word, std::uint64_t bits) {
  count_ += static_cast<std::uint64_t>(std::popcount(bits & ~word));
  word |= bits;
}

}  // namespace rb
