#include "chunk/block_salvage.h"

#include <algorithm>
#include <array>

#include <zstd.h>

#include "base/limits.h"
#include "chunk/frame_salvage.h"

namespace rb {

namespace {

constexpr std::array<std::uint8_t, 4> kFrameMagic = {0x28, 0xb5, 0x2f, 0xfd};
// Ids that are looked for where a block's own header is lost, and how far beyond the last known object the
// end of the directory is looked for.
constexpr std::size_t kAnchorsMax = 64;
constexpr std::size_t kObjectsBeyondMax = 1024;
// All ids of a block stand within so many bytes of its record.
constexpr std::size_t kAnchorBytes = 1 << 20;
static_assert(kMaxBlockObjects * ObjectId::kSize <= kAnchorBytes / 2);
constexpr unsigned kLengthBits = 28;  // of a length that there can be

// Where things stand in the bytes.
struct Layout {
  BlockSuite suite = BlockSuite::plain_raw;
  BlockClass block_class = BlockClass::data;
  std::size_t objects = 0;
  std::size_t directory = 0, body = 0;  // offsets
  std::size_t body_bytes = 0, raw_bytes = 0;
  bool knows_end = true;  // that raw_bytes and the directory's length are right
};

// Lengths stand in a table of varints, and what they are the lengths of back to back behind it: payloads in a
// body, references in a directory. One that is wrong or unknown shifts what follows it, so each is placed
// from the front and from the back.
struct Stretch {
  std::size_t offset = 0, bytes = 0;
  bool operator==(const Stretch&) const = default;
};
using Places = std::vector<std::array<std::optional<Stretch>, 2>>;

struct Table {
  std::vector<std::optional<std::size_t>> lengths;
  std::optional<std::size_t> end;  // of the table, where the first begins
};

std::size_t varint_bytes(std::size_t value) {
  std::size_t bytes = 1;
  for (; value >= 0x80; value >>= 7)
    ++bytes;
  return bytes;
}

// One that makes no sense is unknown; whatever it is, it ends with a byte below 0x80.
Table read_table(ByteView bytes, std::size_t count, std::size_t unit) {
  Table table{.lengths = std::vector<std::optional<std::size_t>>(count), .end = {}};
  std::size_t at = 0;
  for (std::optional<std::size_t>& length : table.lengths) {
    std::size_t value = 0;
    bool is_ended = false;
    for (unsigned shift = 0; at < bytes.size() && !is_ended; shift += 7) {
      const std::uint8_t byte = bytes[at++];
      if (shift < kLengthBits) value |= std::size_t{byte & 0x7fu} << shift;
      is_ended = byte < 0x80;
    }
    if (!is_ended) return table;
    if (value <= bytes.size() / unit) length = value * unit;
  }
  table.end = at;
  return table;
}

Places place(const Table& table, std::size_t total, bool knows_end) {
  Places places(table.lengths.size());
  std::size_t at = table.end.value_or(total + 1);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& length = table.lengths[i];
    if (!length || at > total || *length > total - at) break;
    places[i][0] = Stretch{at, *length};
    at += *length;
  }
  if (!knows_end) return places;
  at = total;
  for (std::size_t i = places.size(); i-- > 0;) {
    const auto& length = table.lengths[i];
    if (!length || *length > at) break;
    at -= *length;
    places[i][1] = Stretch{at, *length};
    if (places[i][1] == places[i][0]) places[i][1].reset();
  }
  return places;
}

// The place of the directory, by an id that is known to stand in it.
std::optional<std::size_t> find_directory(ByteView bytes, std::span<const KnownObject> known) {
  bytes = bytes.first(std::min(bytes.size(), kAnchorBytes));
  for (std::size_t i = 0; i < known.size(); i += known.size() / kAnchorsMax + 1) {
    const KnownObject& object = known[i];
    const auto found = std::ranges::search(bytes, object.id.bytes);
    const auto at = static_cast<std::size_t>(found.begin() - bytes.begin());
    const std::size_t before = object.index * ObjectId::kSize;
    if (!found.empty() && at >= before) return at - before;
  }
  return std::nullopt;
}

std::optional<Layout> layout_by_header(ByteView bytes, std::size_t begin) {
  const auto header = read_block_header(bytes.subspan(begin));
  if (!header || begin + header->body_offset() > bytes.size()) return std::nullopt;
  Layout layout{.suite = header->suite,
                .block_class = header->block_class,
                .objects = header->objects,
                .directory = begin + kBlockHeaderBytes,
                .body = begin + header->body_offset(),
                .raw_bytes = header->raw_bytes};
  layout.body_bytes = std::min<std::size_t>(header->body_bytes, bytes.size() - layout.body);
  return layout;
}

// Where the body of a block begins that has so many objects; nothing if it can't have.
std::optional<std::size_t> body_behind(ByteView bytes, const Layout& layout, std::size_t objects) {
  const std::size_t per_object = ObjectId::kSize + (layout.block_class == BlockClass::data ? 0 : 1);
  std::size_t at = layout.directory + objects * per_object;
  if (at > bytes.size()) return std::nullopt;
  if (layout.block_class == BlockClass::data) return at;
  const Table counts = read_table(bytes.subspan(at), objects, ObjectId::kSize);
  if (!counts.end) return std::nullopt;
  at += *counts.end;
  for (const auto& refs : counts.lengths)
    at += *refs;
  return at > bytes.size() ? std::nullopt : std::optional(at);
}

bool has_frame_at(ByteView bytes, std::size_t at) {
  return bytes.size() - at >= kFrameMagic.size() &&
         std::ranges::equal(bytes.subspan(at, kFrameMagic.size()), kFrameMagic);
}

// How long a stored body is, by the lengths in it. Nothing unless the block then ends where the bytes do, but
// for the padding of its record.
std::optional<std::size_t> stored_body_bytes(ByteView bytes, std::size_t body, std::size_t objects) {
  constexpr std::size_t kPaddingMax = 7;
  const Table table = read_table(bytes.subspan(body), objects, 1);
  if (!table.end) return std::nullopt;
  std::size_t total = *table.end;
  for (const auto& length : table.lengths) {
    if (!length) return std::nullopt;
    total += *length;
  }
  const std::size_t end = body + total + kBlockChecksumBytes;
  return end <= bytes.size() && bytes.size() - end <= kPaddingMax ? std::optional(total) : std::nullopt;
}

// Nothing where no block of so many objects can be. `knows_end` when a frame begins behind its directory, or
// lengths that agree with those of the block.
std::optional<Layout> layout_with(ByteView bytes, Layout layout, std::size_t objects) {
  const auto body = body_behind(bytes, layout, objects);
  if (!body) return std::nullopt;
  layout.objects = objects;
  layout.body = *body;
  layout.body_bytes = bytes.size() - *body;
  layout.raw_bytes = std::min(layout.body_bytes, kMaxBlockRawBytes);
  layout.knows_end = false;
  if (has_frame_at(bytes, *body)) {
    layout.suite = BlockSuite::plain_zstd;
    const auto says = ZSTD_getFrameContentSize(bytes.data() + *body, layout.body_bytes);
    layout.knows_end = says <= kMaxBlockRawBytes;
    if (layout.knows_end) layout.raw_bytes = static_cast<std::size_t>(says);
  } else if (const auto stored = stored_body_bytes(bytes, *body, objects)) {
    layout.raw_bytes = *stored;
    layout.knows_end = true;
  }
  return layout;
}

// Of a block whose header is lost. There may be more objects than are known.
std::optional<Layout> guessed_layout(ByteView bytes, std::size_t directory,
                                     std::span<const KnownObject> known) {
  Layout guess{.directory = directory};
  std::size_t least = 0;
  for (const KnownObject& object : known) {
    least = std::max<std::size_t>(least, object.index + std::size_t{1});
    if (is_metadata(object.kind)) guess.block_class = BlockClass::metadata;
  }
  std::optional<Layout> best;
  for (std::size_t objects = least; objects <= std::min(least + kObjectsBeyondMax, kMaxBlockObjects);
       ++objects) {
    const auto layout = layout_with(bytes, guess, objects);
    if (layout && layout->knows_end) return layout;
    if (!best) best = layout;
  }
  return best;
}

std::optional<Layout> find_layout(ByteView bytes, std::span<const KnownObject> known) {
  if (const auto layout = layout_by_header(bytes, 0)) return layout;
  const auto directory = find_directory(bytes, known);
  if (!directory) return std::nullopt;
  if (*directory >= kBlockHeaderBytes) {
    if (const auto layout = layout_by_header(bytes, *directory - kBlockHeaderBytes)) return layout;
  }
  return guessed_layout(bytes, *directory, known);
}

// As much of the body as there is; the rest is zeros.
Bytes unpack_body(ByteView body, const Layout& layout) {
  Bytes raw(layout.raw_bytes);
  if (layout.suite == BlockSuite::plain_zstd) {
    salvage_frame(body, raw);
  } else {
    std::ranges::copy(body.first(std::min(body.size(), raw.size())), raw.begin());
  }
  return raw;
}

// All that is said of one object, right or wrong.
struct Candidate {
  std::array<std::optional<ObjectId>, 2> ids;  // by the directory, by whoever knew
  std::optional<ObjectKind> kind;
  std::vector<std::vector<ObjectId>> refs;
  std::optional<std::size_t> payload_bytes;
};

class Salvage {
 public:
  Salvage(ByteView bytes, const Layout& layout) : bytes_(bytes), layout_(layout) {
    candidates_.resize(layout.objects);
  }

  std::vector<SalvagedObject> run(std::span<const KnownObject> known) {
    read_directory();
    for (const KnownObject& object : known)
      take_known(object);
    const Bytes raw = unpack_body(bytes_.subspan(layout_.body, layout_.body_bytes), layout_);
    const Places payloads = place_payloads(raw);
    std::vector<SalvagedObject> salvaged;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      auto object = proven(candidates_[i], payloads[i], raw);
      if (object) salvaged.push_back({static_cast<std::uint32_t>(i), std::move(*object)});
    }
    return salvaged;
  }

 private:
  void read_directory() {
    const ByteView directory = bytes_.subspan(layout_.directory, layout_.body - layout_.directory);
    const std::size_t ids_bytes = candidates_.size() * ObjectId::kSize;
    for (std::size_t i = 0; i < candidates_.size() && (i + 1) * ObjectId::kSize <= directory.size(); ++i)
      candidates_[i].ids[0] = ObjectId::from(directory.subspan(i * ObjectId::kSize, ObjectId::kSize));
    if (layout_.block_class == BlockClass::metadata) {
      read_kinds_and_refs(directory.subspan(std::min(ids_bytes, directory.size())));
      return;
    }
    for (Candidate& candidate : candidates_) {
      candidate.kind = ObjectKind::chunk;
      candidate.refs.emplace_back();
    }
  }

  void read_kinds_and_refs(ByteView bytes) {
    if (bytes.size() < candidates_.size()) return;
    const ByteView counts_and_refs = bytes.subspan(candidates_.size());
    const Table counts = read_table(counts_and_refs, candidates_.size(), ObjectId::kSize);
    const Places places = place(counts, counts_and_refs.size(), layout_.knows_end);
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (is_valid_kind(bytes[i])) candidates_[i].kind = static_cast<ObjectKind>(bytes[i]);
      for (const auto& stretch : places[i]) {
        if (stretch)
          candidates_[i].refs.push_back(ids_in(counts_and_refs.subspan(stretch->offset, stretch->bytes)));
      }
    }
  }

  static std::vector<ObjectId> ids_in(ByteView bytes) {
    std::vector<ObjectId> ids;
    for (; bytes.size() >= ObjectId::kSize; bytes = bytes.subspan(ObjectId::kSize))
      ids.push_back(ObjectId::from(bytes.first(ObjectId::kSize)));
    return ids;
  }

  void take_known(const KnownObject& known) {
    if (known.index >= candidates_.size()) return;
    Candidate& candidate = candidates_[known.index];
    candidate.ids[1] = known.id;
    candidate.kind = known.kind;
    candidate.payload_bytes = known.payload_bytes;
  }

  Places place_payloads(ByteView raw) const {
    Table table = read_table(raw, candidates_.size(), 1);
    std::size_t table_bytes = 0, known = 0;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (!candidates_[i].payload_bytes) continue;
      table.lengths[i] = candidates_[i].payload_bytes;
      table_bytes += varint_bytes(*table.lengths[i]);
      ++known;
    }
    if (known == candidates_.size()) table.end = table_bytes;
    return place(table, raw.size(), layout_.knows_end);
  }

  static std::optional<NamedObject> proven(const Candidate& candidate,
                                           const std::array<std::optional<Stretch>, 2>& payloads,
                                           ByteView raw) {
    if (!candidate.kind) return std::nullopt;
    const std::size_t bytes_max = is_metadata(*candidate.kind) ? kMaxMetadataBytes : kMaxChunkBytes;
    for (const std::vector<ObjectId>& refs : candidate.refs) {
      if (!valid_ref_count(*candidate.kind, refs.size())) continue;
      for (const auto& stretch : payloads) {
        if (!stretch || stretch->bytes + refs.size() * ObjectId::kSize > bytes_max) continue;
        const ByteView payload = raw.subspan(stretch->offset, stretch->bytes);
        const ObjectId id = object_id(*candidate.kind, refs, payload);
        if (id != candidate.ids[0] && id != candidate.ids[1]) continue;
        return NamedObject{
            .id = id,
            .object = {.kind = *candidate.kind, .refs = refs, .payload = {payload.begin(), payload.end()}}};
      }
    }
    return std::nullopt;
  }

  const ByteView bytes_;
  const Layout layout_;
  std::vector<Candidate> candidates_;
};

}  // namespace

std::vector<SalvagedObject> salvage_block(ByteView bytes, std::span<const KnownObject> known) {
  const auto layout = find_layout(bytes, known);
  if (!layout) return {};
  return Salvage(bytes, *layout).run(known);
}

}  // namespace rb
