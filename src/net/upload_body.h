// The body of a request: its own bytes and the parts, as one sequence that can be read again from the start.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "base/bytes.h"

namespace rb::net {

class UploadBody {
 public:
  UploadBody(ByteView first, std::span<const Bytes> rest) : first_(first), rest_(rest) {
    size_ = first.size();
    for (const Bytes& part : rest)
      size_ += part.size();
  }

  std::size_t size() const { return size_; }

  std::size_t read(std::uint8_t* out, std::size_t room) {
    std::size_t done = 0;
    while (done < room && part_ <= rest_.size()) {
      const ByteView part = part_ == 0 ? first_ : ByteView(rest_[part_ - 1]);
      const std::size_t take = std::min(room - done, part.size() - at_);
      if (take > 0) std::memcpy(out + done, part.data() + at_, take);
      done += take;
      at_ += take;
      if (at_ < part.size()) break;
      part_++;
      at_ = 0;
    }
    return done;
  }

  void rewind() { part_ = at_ = 0; }

 private:
  ByteView first_;
  std::span<const Bytes> rest_;
  std::size_t size_ = 0;
  std::size_t part_ = 0;  // 0 is first_
  std::size_t at_ = 0;
};

}  // namespace rb::net
