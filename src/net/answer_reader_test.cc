#include "net/answer_reader.h"

#include <gtest/gtest.h>

namespace rb::net {
namespace {

const AnswerSink kCollect;

// Shown `text` in pieces: the reader at its end, or the error.
Result<std::unique_ptr<AnswerReader>> read(const std::string& text, std::size_t piece,
                                           const AnswerSink& sink = kCollect) {
  auto reader = std::make_unique<AnswerReader>(sink);
  std::size_t begin = 0;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(text.size(), end + piece);
    RB_TRY(const std::size_t taken, reader->feed(as_bytes(text).subspan(begin, end - begin)));
    begin += taken;
  }
  return reader;
}

std::string body_of(AnswerReader& reader) {
  return std::string(as_text(reader.answer().body));
}

void check(const std::string& text, int status, const std::string& body) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{13}, text.size()}) {
    const auto reader = read(text, piece);
    ASSERT_TRUE(reader) << reader.error().message;
    ASSERT_TRUE((*reader)->is_done()) << text << " in pieces of " << piece;
    EXPECT_EQ((*reader)->answer().status, status);
    EXPECT_EQ(body_of(**reader), body);
  }
}

TEST(AnswerReaderTest, LengthsAndChunksAreRead) {
  check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
  check("HTTP/1.1 204 X\r\n\r\n", 204, "");
  check("HTTP/1.1 409 X\r\nContent-Length: 0\r\n\r\n", 409, "");
  check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
        200, "hello world");
  check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "");
}

TEST(AnswerReaderTest, WhatComesBetweenIsPassedOver) {
  check(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 201 X\r\nContent-Length: "
      "2\r\n\r\n{}",
      201, "{}");
}

TEST(AnswerReaderTest, FieldsBeforeAndAfterTheBodyAreKept) {
  const auto reader = *read(
      "HTTP/1.1 200 OK\r\nRb-Dont-Ask: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nRb-Error: gone\r\n\r\n",
      3);
  EXPECT_EQ(reader->answer().headers.at("rb-dont-ask"), "1");
  EXPECT_EQ(reader->answer().headers.at("rb-error"), "gone");
  EXPECT_TRUE(reader->keeps_connection());
  EXPECT_FALSE((*read("HTTP/1.1 204 X\r\nConnection: close\r\n\r\n", 99))->keeps_connection());
}

TEST(AnswerReaderTest, WhatFollowsIsLeft) {
  AnswerReader reader(kCollect);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  EXPECT_EQ(*reader.feed(as_bytes(answer + "HTTP/1.1 200")), answer.size());
  EXPECT_TRUE(reader.is_done());
}

TEST(AnswerReaderTest, WhatIsNotAnAnswerOfKnownLengthIsRefused) {
  for (const char* text :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 banana\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 200 OK\r\n\r\nwithout an end",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    const auto reader = read(text, 5);
    ASSERT_FALSE(reader) << text;
    EXPECT_EQ(reader.error().code, Errc::protocol) << reader.error().message;
  }
  const std::string endless = "HTTP/1.1 200 OK\r\nA: " + std::string(1 << 17, 'a');
  EXPECT_EQ(read(endless, endless.size()).error().code, Errc::protocol);
}

TEST(AnswerReaderTest, ABodyIsHandedOnOrItsTakersErrorIs) {
  std::string got;
  const AnswerSink sink = [&](ByteView piece) -> Status {
    got += as_text(piece);
    return got.size() > 4 ? Status(fail(Errc::no_space, "enough")) : Status();
  };
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789";
  EXPECT_EQ(read(text, 1, sink).error().code, Errc::no_space);
  EXPECT_EQ(got, "12345");
  got.clear();
  EXPECT_EQ(body_of(**read("HTTP/1.1 404 X\r\nContent-Length: 3\r\n\r\nabc", 1, sink)), "abc");
  EXPECT_EQ(got, "");
}

}  // namespace
}  // namespace rb::net
