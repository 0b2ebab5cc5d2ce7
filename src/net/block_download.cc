#include "net/block_download.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "format/block.h"

namespace rb::net {

BlockDownload::BlockDownload(std::span<const ObjectId> ids, const BlockSink& sink)
    : ids_(ids),
      sink_(sink),
      missing_(ids.begin(), ids.end()),
      assembler_([this](ByteView block) { return take(block); }) {}

std::vector<ObjectId> BlockDownload::missing() const {
  std::vector<ObjectId> out;
  out.reserve(missing_.size());
  for (const ObjectId& id : ids_) {
    if (missing_.contains(id)) out.push_back(id);
  }
  return out;
}

Status BlockDownload::feed(ByteView piece) {
  Status fed = assembler_.feed(piece);
  failed_ = failed_ || !fed;
  return fed;
}

Status BlockDownload::take(ByteView block) {
  RB_TRY(const BlockDirectory directory, decode_block_directory(block));
  bool is_wanted = false;
  for (const BlockObject& object : directory.objects)
    is_wanted = missing_.erase(object.id) > 0 || is_wanted;
  if (!is_wanted) return fail(Errc::protocol, "the server sent a block that holds nothing it was asked for");
  has_progress_ = true;
  return sink_(block);
}

bool BlockDownload::restart() {
  assembler_.reset();
  return std::exchange(has_progress_, false);
}

Status BlockDownload::finish(const api::Response& answer) const {
  if (answer.status != 200) return std::unexpected(api::decode_error(answer.status, answer.body));
  const auto trailer = answer.headers.find(std::string(api::kErrorTrailer));
  if (trailer != answer.headers.end()) return std::unexpected(api::decode_error_trailer(trailer->second));
  if (!assembler_.at_boundary()) return fail(Errc::protocol, "the server's answer ends inside a block");
  if (missing_.empty()) return {};
  return fail(Errc::protocol, fmt::format("the server left out {} of the objects it was asked for, one is {}",
                                          missing_.size(), to_hex(*missing_.begin())));
}

}  // namespace rb::net
