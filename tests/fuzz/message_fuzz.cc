// The JSON messages and the binary bodies of the protocol, as a server and a client decode them. What is
// accepted must survive being encoded again.
//
// Layers: base format store api
#include <algorithm>

#include "api/address.h"
#include "api/attempt_limiter.h"
#include "api/bulk.h"
#include "api/client_codec.h"
#include "api/errors.h"
#include "api/messages.h"

namespace rb::api {
namespace {

// An accepted message, encoded and decoded again, is the same message.
template <typename Decode, typename Encode>
void check_stable(ByteView input, Decode decode, Encode encode) {
  const auto value = decode(input);
  if (!value) return;
  const std::string text = encode(*value);
  const auto again = decode(as_bytes(text));
  RB_ASSERT(again && encode(*again) == text);
}

void check_messages(ByteView input) {
  check_stable(input, decode_hello, encode_hello);
  check_stable(input, decode_begin, encode_begin);
  check_stable(input, decode_begin_answer, encode_begin_answer);
  check_stable(input, decode_commit, encode_commit);
  check_stable(input, decode_commit_result, encode_commit_result);
  check_stable(input, decode_snapshots, encode_snapshots);
  check_stable(input, decode_status, encode_status);
  (void)decode_count("next", input);
}

void check_node_messages(ByteView input) {
  check_stable(input, decode_join_request, encode_join_request);
  check_stable(input, decode_join_answer, encode_join_answer);
  check_stable(input, decode_invitation_order, encode_invitation_order);
  check_stable(input, decode_invitation_answer, encode_invitation_answer);
  check_stable(input, decode_nodes, encode_nodes);
  check_stable(input, decode_removal, encode_removal);
  check_stable(input, decode_renaming, encode_renaming);
  check_stable(input, decode_token_order, encode_token_order);
  check_stable(input, decode_token, encode_token);
  check_stable(input, decode_tokens, encode_tokens);
  check_stable(input, decode_token_overview, encode_token_overview);
  check_stable(input, decode_revocation, encode_revocation);
  check_stable(input, decode_key_pin, encode_key_pin);
}

void check_bodies(ByteView input) {
  if (const auto ids = decode_ids(input, 64)) RB_ASSERT(std::ranges::equal(encode_ids(*ids), input));
  for (std::size_t count : {input.size() * 4, input.size() * 4 + 1, std::size_t{5}}) {
    if (const auto answers = decode_presences(input, count)) {
      RB_ASSERT(std::ranges::equal(encode_presences(*answers), input));
    }
  }
  std::size_t assembled = 0;
  BlockAssembler assembler([&](ByteView block) -> Status {
    assembled += block.size();
    return {};
  });
  bool fed = true;
  for (std::size_t at = 0; at < input.size() && fed; at += 7) {
    fed = assembler.feed(input.subspan(at, std::min<std::size_t>(7, input.size() - at))).has_value();
  }
  const auto cut = cut_blocks(input);
  RB_ASSERT(cut.has_value() == (fed && assembler.at_boundary()));
  if (cut) RB_ASSERT(assembled == input.size());
}

void check_fields(ByteView input) {
  const std::string text(as_text(input));
  if (const auto position = decode_stream_position(text)) {
    RB_ASSERT(decode_stream_position(encode_stream_position(*position)) == position);
  }
  for (const char* method : {"GET", "POST", "PUT", "DELETE"})
    (void)find_route(method, text);
  Response answer;
  for (const int status : {200, 201, 412, 503}) {
    answer.status = status;
    answer.body.assign(input.begin(), input.end());
    (void)parse_begin(answer);
    (void)parse_commit(answer);
    (void)decode_error(status, input);
  }
  if (const auto link = decode_join_link(text)) RB_ASSERT(decode_join_link(encode_join_link(*link)) == *link);
  if (const auto credential = decode_authorization(text))
    RB_ASSERT(decode_authorization(encode_authorization(*credential)) == credential);
  if (const auto address = parse_address(text)) RB_ASSERT(parse_address(to_string(*address)) == address);
  (void)attempt_source(text);
  const std::string trailer = encode_error_trailer(Error(Errc::io, text));
  RB_ASSERT(decode_error_trailer(trailer).code == Errc::io);
}

}  // namespace
}  // namespace rb::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rb::ByteView input(data, size);
  rb::api::check_messages(input);
  rb::api::check_node_messages(input);
  rb::api::check_bodies(input);
  rb::api::check_fields(input);
  return 0;
}
