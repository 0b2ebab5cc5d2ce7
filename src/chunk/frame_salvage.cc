// A frame is a chain of blocks of at most 128 KiB, each behind its length (RFC 8878). They are fed to zstd
// one by one. Whichever it refuses is lost: it is replaced by one of zeros, which changes neither the tables
// nor the distances that later blocks refer to, and the frame is unpacked again from its beginning. So
// nothing but the public interface of zstd is needed, and only its own checks stand between damage and
// memory.
#include "chunk/frame_salvage.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include <zstd.h>

#include "base/limits.h"

namespace rb {

namespace {

constexpr std::size_t kHeaderBytes = 3;
constexpr std::size_t kBlockRawMax = 128 << 10;
constexpr std::size_t kContentChecksumBytes = 4;
// Where the frames begin that we make, for one whose own header is lost: magic, descriptor, four bytes of
// size.
constexpr std::size_t kOurFrameHeaderBytes = 9;
// Frames of ours have 33 blocks at most. Of others the rest is given up: each lost one costs unpacking anew.
constexpr std::size_t kPassesMax = 64;
// Of a frame that somebody made of crumbs, the rest is given up too: what is noted of each costs memory.
constexpr std::size_t kPiecesMax = 16384;
constexpr int kWindowLogMax = 23;

// With room for what is thought to be longer than it was.
constexpr std::size_t room_for(std::size_t raw_bytes) {
  return raw_bytes + raw_bytes / 2 + kBlockRawMax;
}
static_assert(room_for(kMaxBlockRawBytes) <= std::size_t{1} << kWindowLogMax);

enum class PieceType : std::uint8_t { raw = 0, run = 1, compressed = 2 };

// A block of the frame; "block" means something else here.
struct Piece {
  std::size_t offset = 0, bytes = 0;  // in the frame, header included
  bool is_last = false;
  bool is_lost = false;
  std::size_t raw_bytes = 0;  // unpacked; for a lost one a guess
};

std::array<std::uint8_t, kHeaderBytes> piece_header(PieceType type, std::size_t size) {
  const std::size_t value = size << 3 | static_cast<std::size_t>(type) << 1;
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value >> 16)};
}

// Nothing where no piece can begin. An empty one that is not the last nobody makes: so zeros are none.
std::optional<Piece> piece_at(ByteView frame, std::size_t at) {
  if (at > frame.size() || frame.size() - at < kHeaderBytes) return std::nullopt;
  const std::size_t value = frame[at] | std::size_t{frame[at + 1]} << 8 | std::size_t{frame[at + 2]} << 16;
  const std::size_t type = value >> 1 & 3, size = value >> 3;
  if (type > static_cast<std::size_t>(PieceType::compressed) || size > kBlockRawMax) return std::nullopt;
  Piece piece{.offset = at, .is_last = (value & 1) != 0};
  if (size == 0 && !piece.is_last) return std::nullopt;
  piece.bytes = kHeaderBytes + (type == static_cast<std::size_t>(PieceType::run) ? 1 : size);
  if (piece.bytes > frame.size() - at) return std::nullopt;
  return piece;
}

// Whether the frame may end here.
bool is_end(ByteView frame, std::size_t at) {
  return at == frame.size() || at + kContentChecksumBytes == frame.size();
}

std::size_t frame_header_bytes(ByteView frame) {
  constexpr std::array<std::uint8_t, 4> kMagic = {0x28, 0xb5, 0x2f, 0xfd};
  if (frame.size() < kOurFrameHeaderBytes || !std::ranges::equal(frame.first(kMagic.size()), kMagic))
    return kOurFrameHeaderBytes;
  const std::uint8_t descriptor = frame[kMagic.size()];
  const bool is_single_segment = (descriptor & 0x20) != 0;
  constexpr std::array<std::size_t, 4> kDictionaryBytes = {0, 1, 2, 4}, kSizeBytes = {0, 2, 4, 8};
  const std::size_t size_bytes = descriptor >> 6 == 0 && is_single_segment ? 1 : kSizeBytes[descriptor >> 6];
  return kMagic.size() + 1 + (is_single_segment ? 0 : 1) + kDictionaryBytes[descriptor & 3] + size_bytes;
}

// The pieces from `at` on, for as long as each begins where the one before it ends.
std::vector<Piece> chain_from(ByteView frame, std::size_t at) {
  std::vector<Piece> chain;
  while (chain.size() < kPiecesMax) {
    const auto piece = piece_at(frame, at);
    if (!piece) break;
    chain.push_back(*piece);
    at += piece->bytes;
    if (piece->is_last) break;
  }
  return chain;
}

// The first place beyond `from` from which a chain leads to the end of the frame: where the pieces go on when
// a header among them is lost. By chance that happens once in some dozens of frames.
std::size_t find_resumption(ByteView frame, std::size_t from) {
  std::vector<bool> leads_on(frame.size() + 1, false);
  std::size_t first = frame.size();
  for (std::size_t at = frame.size(); at-- > from + 1;) {
    const auto piece = piece_at(frame, at);
    if (!piece) continue;
    const std::size_t next = at + piece->bytes;
    leads_on[at] = piece->is_last ? is_end(frame, next) : leads_on[next];
    if (leads_on[at]) first = at;
  }
  return first;
}

// All pieces of the frame; one that is lost stands for what lies between two chains.
std::vector<Piece> find_pieces(ByteView frame) {
  const std::size_t begin = std::min(frame_header_bytes(frame), frame.size());
  std::vector<Piece> pieces = chain_from(frame, begin);
  if (!pieces.empty() && pieces.back().is_last && is_end(frame, pieces.back().offset + pieces.back().bytes))
    return pieces;
  const std::size_t resumption = find_resumption(frame, begin);
  while (!pieces.empty() && pieces.back().offset + pieces.back().bytes > resumption)
    pieces.pop_back();
  const std::size_t end = pieces.empty() ? begin : pieces.back().offset + pieces.back().bytes;
  pieces.push_back({.offset = end, .bytes = resumption - end, .is_lost = true, .raw_bytes = kBlockRawMax});
  const std::vector<Piece> rest = chain_from(frame, resumption);
  pieces.insert(pieces.end(), rest.begin(), rest.end());
  return pieces;
}

class FrameSalvage {
 public:
  FrameSalvage(ByteView frame, std::size_t raw_bytes)
      : frame_(frame), raw_bytes_(raw_bytes), pieces_(find_pieces(frame)), room_(room_for(raw_bytes)) {
    if (context_ == nullptr) throw std::bad_alloc();
  }

  // As much as there is, perhaps more than there was.
  ByteView run() {
    for (std::size_t passes = 1; !unpack() && passes < kPassesMax; ++passes)
      lose(pieces_[failed_]);
    if (adjust_last_lost()) static_cast<void>(unpack());
    return ByteView(room_).first(filled_);
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  // False: `failed_` can't be unpacked.
  bool unpack() {
    filled_ = 0;
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogMax);
    std::array<std::uint8_t, kOurFrameHeaderBytes> header = {0x28, 0xb5, 0x2f, 0xfd, 0xa0};
    const auto size = static_cast<std::uint32_t>(room_.size());  // never reached: no piece is fed as the last
    std::memcpy(header.data() + 5, &size, sizeof size);
    if (!feed(header)) return true;
    for (std::size_t i = 0; i < pieces_.size() && filled_ < room_.size(); ++i) {
      Piece& piece = pieces_[i];
      const std::size_t before = filled_;
      if (piece.is_lost) {
        feed_zeros(piece.raw_bytes);
      } else if (!feed_piece(piece)) {
        failed_ = i;
        return false;
      }
      piece.raw_bytes = filled_ - before;
    }
    return true;
  }

  bool feed_piece(const Piece& piece) {
    const ByteView bytes = frame_.subspan(piece.offset, piece.bytes);
    std::array<std::uint8_t, kHeaderBytes> header;
    std::ranges::copy(bytes.first(kHeaderBytes), header.begin());
    header[0] &= 0xfe;  // not the last, so that zstd holds no sum against what the header said
    return feed(header) && feed(bytes.subspan(kHeaderBytes));
  }

  void feed_zeros(std::size_t size) {
    constexpr std::array<std::uint8_t, 1> kZero = {0};
    while (size > 0 && filled_ < room_.size()) {
      const std::size_t now = std::min({size, kBlockRawMax, room_.size() - filled_});
      if (!feed(piece_header(PieceType::run, now)) || !feed(kZero)) return;
      size -= now;
    }
  }

  // False: zstd refuses it, or there is no room.
  bool feed(ByteView bytes) {
    if (bytes.empty()) return true;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (bool progress = true; progress;) {
      ZSTD_outBuffer out{room_.data(), room_.size(), filled_};
      const std::size_t read_before = in.pos;
      if (ZSTD_isError(ZSTD_decompressStream(context_.get(), &out, &in)) != 0) return false;
      progress = out.pos > filled_ || in.pos > read_before;
      filled_ = out.pos;
      if (in.pos == in.size && out.pos < out.size) return true;
    }
    return in.pos == in.size;
  }

  void lose(Piece& piece) {
    piece.is_lost = true;
    piece.raw_bytes = kBlockRawMax;
  }

  // What lies behind the last lost piece is known to end where the frame does. True: it stood elsewhere.
  bool adjust_last_lost() {
    const auto last =
        std::find_if(pieces_.rbegin(), pieces_.rend(), [](const Piece& p) { return p.is_lost; });
    if (last == pieces_.rend() || filled_ == raw_bytes_) return false;
    const std::size_t others = filled_ - std::min(filled_, last->raw_bytes);
    if (others > raw_bytes_) return false;
    last->raw_bytes = raw_bytes_ - others;
    return true;
  }

  const ByteView frame_;
  const std::size_t raw_bytes_;
  std::vector<Piece> pieces_;
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  Bytes room_;
  std::size_t filled_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace

void salvage_frame(ByteView frame, std::span<std::uint8_t> raw) {
  std::ranges::fill(raw, 0);
  FrameSalvage salvage(frame, raw.size());
  const ByteView there = salvage.run();
  std::ranges::copy(there.first(std::min(there.size(), raw.size())), raw.begin());
}

}  // namespace rb
