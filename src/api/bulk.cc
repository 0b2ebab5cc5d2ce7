#include "api/bulk.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "format/block.h"

namespace rb::api {

Bytes encode_ids(std::span<const ObjectId> ids) {
  Bytes body;
  body.reserve(ids.size() * ObjectId::kSize);
  for (const ObjectId& id : ids)
    append(body, id.view());
  return body;
}

Result<std::vector<ObjectId>> decode_ids(ByteView body, std::size_t max_ids) {
  if (body.size() % ObjectId::kSize != 0) {
    return fail(Errc::protocol, fmt::format("{} bytes are not a whole number of ids", body.size()));
  }
  const std::size_t count = body.size() / ObjectId::kSize;
  if (count > max_ids)
    return fail(Errc::protocol, fmt::format("{} ids, at most {} are taken", count, max_ids));
  std::vector<ObjectId> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; i++) {
    ids.push_back(ObjectId::from(body.subspan(i * ObjectId::kSize, ObjectId::kSize)));
  }
  return ids;
}

Bytes encode_presences(std::span<const Presence> answers) {
  Bytes body((answers.size() + 3) / 4);
  for (std::size_t i = 0; i < answers.size(); i++) {
    body[i / 4] |= static_cast<std::uint8_t>(static_cast<unsigned>(answers[i]) << (2 * (i % 4)));
  }
  return body;
}

Result<std::vector<Presence>> decode_presences(ByteView body, std::size_t count) {
  if (body.size() != count / 4 + (count % 4 != 0)) {
    return fail(Errc::protocol, fmt::format("{} bytes do not answer for {} ids", body.size(), count));
  }
  std::vector<Presence> answers;
  answers.reserve(count);
  for (std::size_t i = 0; i < body.size() * 4; i++) {
    const unsigned bits = (body[i / 4] >> (2 * (i % 4))) & 3u;
    const bool valid = i < count ? bits <= static_cast<unsigned>(Presence::wait) : bits == 0;
    if (!valid)
      return fail(Errc::protocol, fmt::format("answer {} of {} has the unknown value {}", i, count, bits));
    if (i < count) answers.push_back(static_cast<Presence>(bits));
  }
  return answers;
}

Result<std::vector<ByteView>> cut_blocks(ByteView body) {
  std::vector<ByteView> blocks;
  while (!body.empty()) {
    if (body.size() < kBlockHeaderBytes) return fail(Errc::protocol, "the body ends inside a block's header");
    RB_TRY(const std::size_t length, block_length(body));
    if (length > body.size()) return fail(Errc::protocol, "the body ends inside a block");
    blocks.push_back(body.first(length));
    body = body.subspan(length);
  }
  return blocks;
}

Status BlockAssembler::feed(ByteView piece) {
  while (!piece.empty()) {
    const std::size_t goal = wanted_ != 0 ? wanted_ : kBlockHeaderBytes;
    const std::size_t take = std::min(goal - partial_.size(), piece.size());
    append(partial_, piece.first(take));
    piece = piece.subspan(take);
    if (partial_.size() < goal) return {};
    if (wanted_ == 0) {
      RB_TRY(wanted_, block_length(partial_));
      if (wanted_ < kBlockHeaderBytes || wanted_ > kMaxBlockBytes)
        return fail(Errc::corrupt, "a block's length lies");
      partial_.reserve(wanted_);
      if (partial_.size() < wanted_) continue;
    }
    RB_TRY(sink_(partial_));
    partial_.clear();
    wanted_ = 0;
  }
  return {};
}

}  // namespace rb::api
