#include <algorithm>
#include <unordered_map>

#include "base/limits.h"
#include "chunk/block_codec.h"
#include "restore/history.h"
#include "store/object_reader.h"
#include "tree/content_cursor.h"

namespace rb {
namespace {

constexpr std::uint64_t kWindowBytes = 8 << 20;
constexpr std::size_t kZerosAtOnce = 256 << 10;

// The chunks of a stretch of the file, fetched together.
class ContentWindow {
 public:
  explicit ContentWindow(Session& session) : session_(session) {}

  bool full() const { return bytes_ >= kWindowBytes || pieces_.size() >= kMaxReadIds; }
  void add(const ContentPiece& piece) {
    pieces_.push_back(piece);
    if (piece.chunk) bytes_ += piece.length;
  }
  // Hands everything to the sink, in order, and starts anew.
  Status drain(const std::function<Status(ByteView)>& sink) {
    RB_TRY(fetch());
    for (const ContentPiece& piece : pieces_) {
      if (!piece.chunk) {
        RB_TRY(give_zeros(piece.length, sink));
        continue;
      }
      const Bytes& bytes = chunks_.at(*piece.chunk);
      if (bytes.size() != piece.length) return fail(Errc::corrupt, "a chunk is not as long as the file says");
      RB_TRY(sink(bytes));
    }
    pieces_.clear();
    chunks_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  Status fetch() {
    std::vector<ObjectId> ids;
    for (const ContentPiece& piece : pieces_) {
      if (piece.chunk && chunks_.try_emplace(*piece.chunk).second) ids.push_back(*piece.chunk);
    }
    if (ids.empty()) return {};
    std::size_t found = 0;
    RB_TRY(session_.read(ids, Neighbours::unwanted, [&](ByteView block) -> Status {
      RB_TRY(reader_.open(block));
      for (std::size_t i = 0; i < reader_.size(); ++i) {
        const BlockReader::Item item = reader_.item(i);
        const auto wanted = chunks_.find(item.object->id);
        if (wanted == chunks_.end() || !wanted->second.empty()) continue;
        RB_TRY(reader_.verify(i));
        wanted->second.assign(item.payload.begin(), item.payload.end());
        ++found;
      }
      return {};
    }));
    if (found < ids.size()) return fail(Errc::not_found, "the store did not give all chunks of the file");
    return {};
  }

  static Status give_zeros(std::uint64_t length, const std::function<Status(ByteView)>& sink) {
    static const Bytes zeros(kZerosAtOnce);
    while (length > 0) {
      const std::uint64_t now = std::min<std::uint64_t>(length, kZerosAtOnce);
      RB_TRY(sink(ByteView(zeros).first(static_cast<std::size_t>(now))));
      length -= now;
    }
    return {};
  }

  Session& session_;
  BlockReader reader_;
  std::vector<ContentPiece> pieces_;
  std::unordered_map<ObjectId, Bytes> chunks_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Status read_content(Session& session, const Entry& file, const std::function<Status(ByteView)>& sink) {
  if (file.type != EntryType::file) {
    return fail(Errc::invalid_argument,
                std::string("it is no file but a ") + std::string(to_string(file.type)));
  }
  if (file.content_kind == ContentKind::none) return {};
  if (file.content_kind == ContentKind::inline_bytes) return sink(file.inline_content);
  ObjectReader objects(session);
  ContentCursor cursor(objects, file);
  ContentWindow window(session);
  for (;;) {
    RB_TRY(const std::optional<ContentPiece> piece, cursor.next());
    if (!piece) return window.drain(sink);
    window.add(*piece);
    if (window.full()) RB_TRY(window.drain(sink));
  }
}

}  // namespace rb
