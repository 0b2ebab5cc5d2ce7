// Reading and writing the two number encodings that every format of ours is made of: little-endian fixed
// width, and LEB128 varints (7 bits a byte, least significant first, at most 10 bytes) in their shortest form
// only.
#pragma once

#include <bit>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace rb {

static_assert(std::endian::native == std::endian::little, "fixed-width fields are copied as they are");

inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// Appends to a buffer that it borrows.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t v) { out_.push_back(v); }
  void u16(std::uint16_t v) { fixed(v); }
  void u32(std::uint32_t v) { fixed(v); }
  void u64(std::uint64_t v) { fixed(v); }
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      out_.push_back(static_cast<std::uint8_t>(v | 0x80));
      v >>= 7;
    }
    out_.push_back(static_cast<std::uint8_t>(v));
  }
  void bytes(ByteView v) { append(out_, v); }
  // A varint length, then the bytes.
  void sized(ByteView v) {
    varint(v.size());
    bytes(v);
  }
  void sized(std::string_view v) { sized(as_bytes(v)); }

 private:
  template <typename T>
  void fixed(T v) {
    const auto* p = reinterpret_cast<const std::uint8_t*>(&v);
    out_.insert(out_.end(), p, p + sizeof v);
  }
  Bytes& out_;
};

// Reads from bytes that it borrows. After the first failure every read gives zero or nothing and ok() stays
// false, so that a decoder may read a whole record and check once. Never reads past the end; never allocates.
class ByteReader {
 public:
  explicit ByteReader(ByteView in) : in_(in) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return in_.size() - at_; }
  std::size_t offset() const { return at_; }
  // True when everything was read and nothing failed: a canonical decoder ends with it.
  bool done() const { return ok_ && at_ == in_.size(); }
  void fail() { ok_ = false; }

  std::uint8_t u8() { return fixed<std::uint8_t>(); }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (!ok_ || at_ == in_.size()) return ok_ = false, 0;
      const std::uint8_t b = in_[at_++];
      if (shift == 63 && b > 1) return ok_ = false, 0;  // more than 64 bits
      if (b == 0 && shift > 0) return ok_ = false, 0;   // not the shortest form
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    return ok_ = false, 0;
  }
  // A varint that must not exceed `max`: use it for every count and length before allocating.
  std::uint64_t varint_max(std::uint64_t max) {
    const std::uint64_t v = varint();
    if (v > max) return ok_ = false, 0;
    return v;
  }
  ByteView bytes(std::size_t n) {
    if (!ok_ || remaining() < n) return ok_ = false, ByteView{};
    ByteView out = in_.subspan(at_, n);
    at_ += n;
    return out;
  }
  // A varint length of at most `max`, then the bytes.
  ByteView sized(std::size_t max) { return bytes(static_cast<std::size_t>(varint_max(max))); }
  template <typename Id>
  Id id() {
    const ByteView b = bytes(Id::kSize);
    if (!ok_) return Id{};
    return Id::from(b);
  }

 private:
  template <typename T>
  T fixed() {
    if (!ok_ || remaining() < sizeof(T)) return ok_ = false, T{};
    T v;
    std::memcpy(&v, in_.data() + at_, sizeof v);
    at_ += sizeof v;
    return v;
  }
  ByteView in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace rb
