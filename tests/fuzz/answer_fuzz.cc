// A server's answer, as a client reads it. Whatever pieces it comes in, it is the same answer, or none.
//
// Layers: base format store api net
#include <algorithm>
#include <optional>

#include "net/answer_reader.h"

namespace {

using namespace rb;

struct Outcome {
  bool is_done = false, failed = false;
  api::Response answer{};
  Bytes handed_on{};
};

Outcome read(ByteView input, std::size_t piece) {
  Outcome out;
  const net::AnswerSink sink = [&](ByteView bytes) {
    append(out.handed_on, bytes);
    return Status();
  };
  net::AnswerReader reader(sink);
  std::size_t begin = 0;
  for (std::size_t end = 0; end < input.size() && !reader.is_done() && !out.failed;) {
    end = std::min(input.size(), end + piece);
    const auto taken = reader.feed(input.subspan(begin, end - begin));
    out.failed = !taken;
    RB_ASSERT(!taken || *taken <= end - begin);
    begin += taken.value_or(0);
  }
  out.is_done = !out.failed && reader.is_done();
  if (out.is_done) {
    (void)reader.keeps_connection();
    out.answer = std::move(reader.answer());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const Outcome whole = read(input, std::max<std::size_t>(size, 1));
  for (const std::size_t piece : {1u, 7u}) {
    const Outcome parts = read(input, piece);
    RB_ASSERT(parts.is_done == whole.is_done);
    if (!whole.is_done) continue;
    RB_ASSERT(parts.answer.status == whole.answer.status && parts.answer.headers == whole.answer.headers);
    RB_ASSERT(parts.answer.body == whole.answer.body && parts.handed_on == whole.handed_on);
  }
  RB_ASSERT(!whole.is_done || whole.answer.status >= 200);
  return 0;
}
