// The head of a request, as the first bytes of a connection. What is accepted is unambiguous: one length, no
// transfer coding, and an answer to it stays one answer.
//
// Layers: base format store api net
#include "api/errors.h"
#include "net/http_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rb;
  using namespace rb::net;
  const ByteView input(data, size);
  (void)parse_head(input);
  const std::optional<std::size_t> end = find_head_end(input);
  if (!end) return 0;
  RB_ASSERT(*end <= size);
  auto head = parse_head(input.first(*end));
  if (head) {
    RB_ASSERT(!head->request.headers.contains("transfer-encoding") && head->request.headers.contains("host"));
    RB_ASSERT(head->content_length == 0 || head->request.headers.contains("content-length"));
    RB_ASSERT(head->request.body.empty());
  } else {
    RB_ASSERT(head.error().status >= 400);
  }
  api::Response answer;
  answer.headers["x"] = std::string(as_text(input));
  const std::string text = encode_answer_head(answer, BodyFraming::sized, ConnectionFate::keep);
  RB_ASSERT(text.find("\r\n\r\n") == text.size() - 4);
  return 0;
}
