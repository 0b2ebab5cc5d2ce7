#include "check/read_ahead.h"

namespace rb {

namespace {
// The kernel reads ahead by itself, within a file.
constexpr std::size_t kPieceBytes = 1 << 20;
}  // namespace

ReadAhead::~ReadAhead() {
  stopped_ = true;
  if (thread_.joinable()) thread_.join();
}

void ReadAhead::begin(std::uint64_t pack) {
  RB_ASSERT(!thread_.joinable());
  pack_ = pack;
  was_read_ = false;
  thread_ = std::thread([this] { was_read_ = read(pack_); });
}

bool ReadAhead::finish(std::uint64_t pack) {
  if (!thread_.joinable()) return false;
  thread_.join();
  return pack_ == pack && was_read_;
}

// What can't be read is no matter here: who verifies the pack meets it again.
bool ReadAhead::read(std::uint64_t pack) const {
  const auto file = core_.file_system().open(core_.packs().path(pack), OpenMode::read);
  if (!file) return false;
  (*file)->drop_cache();
  Bytes piece(kPieceBytes);
  for (std::uint64_t offset = 0; !stopped_ && pace_.check();) {
    const auto got = (*file)->read_at(offset, piece);
    if (!got) return false;
    if (*got == 0) return true;
    offset += *got;
  }
  return false;
}

}  // namespace rb
