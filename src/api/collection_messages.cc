#include "api/collection_messages.h"

#include <cmath>

#include "api/errors.h"
#include "api/json_fields.h"

namespace rb::api {

std::string encode_collection_order(const CollectionOrder& order) {
  return dump({{"dry_run", order.dry_run},
               {"though_damaged", order.though_damaged},
               {"damaged_copies", order.damaged_copies}});
}

Result<CollectionOrder> decode_collection_order(ByteView body) {
  RB_TRY(const json value, parse(body));
  Fields fields(value);
  CollectionOrder order;
  order.dry_run = fields.flag("dry_run");
  order.though_damaged = fields.flag("though_damaged");
  order.damaged_copies = fields.flag("damaged_copies");
  RB_TRY(fields.status());
  return order;
}

std::string encode_collection_answer(const CollectionAnswer& answer) {
  return dump({{"objects", answer.objects},
               {"dead", answer.dead},
               {"bytes_dead", answer.bytes_dead},
               {"packs_unlinked", answer.packs_unlinked},
               {"bytes_freed", answer.bytes_freed},
               {"bytes_copied", answer.bytes_copied},
               {"copies_removed", answer.copies_removed},
               {"copy_bytes_removed", answer.copy_bytes_removed},
               {"copies_kept", answer.copies_kept},
               {"copies_kept_because", answer.copies_kept_because},
               {"milliseconds", static_cast<std::uint64_t>(std::llround(answer.seconds * 1000))}});
}

Result<CollectionAnswer> decode_collection_answer(ByteView body) {
  RB_TRY(const json value, parse(body));
  Fields fields(value);
  CollectionAnswer answer;
  answer.objects = fields.number("objects");
  answer.dead = fields.number("dead");
  answer.bytes_dead = fields.number("bytes_dead");
  answer.packs_unlinked = fields.number("packs_unlinked");
  answer.bytes_freed = fields.number("bytes_freed");
  answer.bytes_copied = fields.number("bytes_copied");
  answer.copies_removed = fields.number("copies_removed");
  answer.copy_bytes_removed = fields.number("copy_bytes_removed");
  answer.copies_kept = fields.number("copies_kept");
  answer.copies_kept_because = fields.text("copies_kept_because");
  answer.seconds = static_cast<double>(fields.number("milliseconds")) / 1000;
  RB_TRY(fields.status());
  return answer;
}

Request collection_request(const CollectionOrder& order) {
  Request request;
  request.method = "POST";
  request.target = "/v1/collections";
  request.headers["content-type"] = "application/json";
  append(request.body, as_bytes(encode_collection_order(order)));
  return request;
}

Result<CollectionAnswer> parse_collection(const Response& answer) {
  if (answer.status >= 400) return std::unexpected(decode_error(answer.status, answer.body));
  return decode_collection_answer(answer.body);
}

}  // namespace rb::api
