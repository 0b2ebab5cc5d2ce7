// One answer of HTTP/1.1, from bytes to a value. The parser is Boost.Beast's, which is not seen outside. What
// comes between (100 Continue) is passed over. Every answer says how long it is, by its length or in chunks:
// one that ends with its connection can't be told from one that was cut. Not thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "api/service.h"

namespace rb::net {

// Where the body of an answer goes, piece by piece, when it is not collected. An error breaks the exchange
// off.
using AnswerSink = std::function<Status(ByteView)>;

class AnswerReader {
 public:
  // `on_body` gets the body of an answer of status 200; all others are collected. Empty: all are.
  explicit AnswerReader(const AnswerSink& on_body);
  ~AnswerReader();

  // Gives how many of the bytes it has done with; what is left is to be shown again, with what follows.
  // Errors: protocol, or the sink's.
  Result<std::size_t> feed(ByteView bytes);
  bool is_done() const;
  // Requires: is_done().
  bool keeps_connection() const;
  api::Response& answer();

 private:
  class Parser;
  void begin();

  const AnswerSink& on_body_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace rb::net
