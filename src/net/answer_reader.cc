#include "net/answer_reader.h"

#include <optional>

#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

#include "net/ascii.h"

namespace rb::net {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using View = boost::beast::string_view;

// An answer's head, and the fields after a chunked body.
constexpr std::uint32_t kMaxAnswerHeadBytes = 64 << 10;
// The longest list that comes as JSON (wanted ids) stays far below.
constexpr std::size_t kMaxCollectedBytes = 16 << 20;
constexpr std::size_t kEmptyChunkedBodyBytes = 5;  // "0\r\n\r\n"; no chunked body is shorter

}  // namespace

class AnswerReader::Parser final : public http::basic_parser<false> {
 public:
  explicit Parser(const AnswerSink& on_body) : on_body_(on_body) {
    header_limit(kMaxAnswerHeadBytes);
    body_limit(boost::none);  // what is collected is bounded, and what is handed on is the sink's to bound
    eager(true);
  }

  bool awaits_first_chunk() const { return is_header_done() && chunked() && !has_chunk_; }

  api::Response answer;
  std::optional<Error> failure;  // of what was made of the bytes, not of the bytes

 private:
  void on_request_impl(http::verb, View, View, int, error_code&) override {}
  void on_response_impl(int status, View, int version, error_code& error) override {
    answer.status = status;
    if (version != 11) refuse(error, "it is not HTTP/1.1");
  }
  void on_field_impl(http::field, View name, View value, error_code&) override {
    answer.headers[lower_case({name.data(), name.size()})] = std::string(value);
  }
  void on_header_impl(error_code& error) override {
    if (need_eof() && answer.status >= 200) refuse(error, "it does not say how long it is");
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(View body, error_code& error) override {
    take({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()}, error);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, error_code&) override { has_chunk_ = true; }
  std::size_t on_chunk_body_impl(std::uint64_t, View body, error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(error_code&) override {}

  void take(ByteView piece, error_code& error) {
    if (on_body_ && answer.status == 200) {
      if (const Status taken = on_body_(piece); !taken) stop(error, taken.error());
    } else if (answer.body.size() + piece.size() > kMaxCollectedBytes) {
      stop(error, Error(Errc::protocol, "the server's answer is too long"));
    } else {
      append(answer.body, piece);
    }
  }

  void refuse(error_code& error, const char* why) {
    stop(error, Error(Errc::protocol, fmt::format("the server's answer can't be understood: {}", why)));
  }
  void stop(error_code& error, Error why) {
    failure = std::move(why);
    error = http::error::bad_value;
  }

  const AnswerSink& on_body_;
  bool has_chunk_ = false;
};

AnswerReader::AnswerReader(const AnswerSink& on_body) : on_body_(on_body) {
  begin();
}
AnswerReader::~AnswerReader() = default;

void AnswerReader::begin() {
  parser_ = std::make_unique<Parser>(on_body_);
}

Result<std::size_t> AnswerReader::feed(ByteView bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && !is_done()) {
    error_code error;
    const ByteView rest = bytes.subspan(done);
    // Boost 1.81 ends the process when it sees four of these bytes after three (boostorg/beast#2861).
    if (parser_->awaits_first_chunk() && rest.size() < kEmptyChunkedBodyBytes) break;
    const std::size_t taken = parser_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    done += taken;
    if (parser_->failure) return std::unexpected(*parser_->failure);
    if (error && error != http::error::need_more)
      return fail(Errc::protocol,
                  fmt::format("the server's answer can't be understood: {}", error.message()));
    const bool is_interim = parser_->is_done() && parser_->answer.status < 200;
    if (is_interim) begin();
    if (error == http::error::need_more || (taken == 0 && !is_interim)) break;
  }
  return done;
}

bool AnswerReader::is_done() const {
  return parser_->is_done();
}

bool AnswerReader::keeps_connection() const {
  return parser_->keep_alive();
}

api::Response& AnswerReader::answer() {
  return parser_->answer;
}

}  // namespace rb::net
