// A connection to a server that carries one exchange after the other. Not thread-safe.
#pragma once

#include <string>

#include "net/answer_reader.h"
#include "net/client_stream.h"
#include "net/client_wait.h"
#include "net/rate_limit.h"

namespace rb::net {

// What is said of a connection that did not come about, or broke.
Error connection_failed(const Error& error, const std::string& name);

class HttpConnection {
 public:
  // `name` is the server's, for messages.
  HttpConnection(std::unique_ptr<ClientStream> stream, std::string name)
      : stream_(std::move(stream)), name_(std::move(name)) {}

  struct Request {
    std::span<const ByteView> pieces;  // the head and what follows it, sent back to back
    const AnswerSink* on_body = nullptr;
    RateLimit* rate = nullptr;
    const std::atomic<bool>* cancelled = nullptr;  // ends the waiting for the rate
  };
  // The server may answer before it has everything, to refuse it.
  Result<api::Response> exchange(const Request& request, ClientWait& wait);
  // Whether the last exchange left it so that another can follow.
  bool is_reusable() const { return is_reusable_; }
  // Whether the other end has kept it, as far as can be seen without asking.
  bool is_alive();
  // Whether anything at all came back in the last exchange.
  bool was_answered() const { return was_answered_; }

 private:
  enum class Sent : std::uint8_t { all, part };
  Result<Sent> send(const Request& request, ClientWait& wait);
  // Moves bytes, or waits until that can be tried again. False: an answer has begun.
  Result<bool> write_some(ByteView& rest, ClientWait& wait);
  Result<bool> wait_to_write(short event, ClientWait& wait);
  Result<api::Response> receive(const Request& request, ClientWait& wait);
  // Reads something, or waits until that can be tried.
  Status read_more(ClientWait& wait);
  Result<Step> read_into_buffer();
  ByteView unread() const { return ByteView(buffer_).subspan(begin_, end_ - begin_); }

  const std::unique_ptr<ClientStream> stream_;
  const std::string name_;
  Bytes buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what was read and not looked at
  bool is_reusable_ = false, was_answered_ = false;
};

}  // namespace rb::net
