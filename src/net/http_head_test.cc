#include "net/http_head.h"

#include <gtest/gtest.h>

namespace rb::net {
namespace {

std::expected<RequestHead, api::Response> parse(const std::string& text) {
  return parse_head(as_bytes(text));
}

void check_refused(const std::string& text, int status) {
  const auto head = parse(text);
  ASSERT_FALSE(head) << text;
  EXPECT_EQ(head.error().status, status) << text;
}

const std::string kHost = "Host: localhost\r\n";

TEST(HttpHeadTest, APlainHeadIsRead) {
  const auto head =
      parse("POST /v1/x?y=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nRb-Stream:  meta; seq=3 \r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->request.method, "POST");
  EXPECT_EQ(head->request.target, "/v1/x?y=1");
  EXPECT_EQ(head->request.headers.at("rb-stream"), "meta; seq=3");
  EXPECT_EQ(head->content_length, 12u);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_FALSE(head->expects_continue);
}

TEST(HttpHeadTest, ItsEndIsFound) {
  EXPECT_EQ(find_head_end(as_bytes("GET / HTTP/1.1\r\n\r\nrest")), 18u);
  EXPECT_EQ(find_head_end(as_bytes("GET / HTTP/1.1\r\nA: b\r\n")), std::nullopt);
}

TEST(HttpHeadTest, ConnectionAndExpectAreUnderstood) {
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\n")->keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\n" + kHost + "Expect: 100-Continue\r\n\r\n")->expects_continue);
  check_refused("GET / HTTP/1.1\r\n" + kHost + "Expect: miracles\r\n\r\n", 417);
}

TEST(HttpHeadTest, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  const std::string post = "POST / HTTP/1.1\r\n" + kHost;
  check_refused(post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400);
  check_refused(post + "Content-Length: 1, 1\r\n\r\n", 400);
  check_refused(post + "Content-Length: +1\r\n\r\n", 400);
  check_refused(post + "Content-Length: -1\r\n\r\n", 400);
  check_refused(post + "Content-Length: 0x10\r\n\r\n", 400);
  check_refused(post + "Content-Length: 99999999999999999999999\r\n\r\n", 400);
  check_refused(post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  check_refused(post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400);
  check_refused(post + "Transfer-Encoding: chunked\r\n\r\n", 411);
  check_refused(post + "Transfer-Encoding: gzip\r\n\r\n", 411);
  check_refused(post + "Content-Length : 1\r\n\r\n", 400);
  check_refused(post + "Bad Name: 1\r\n\r\n", 400);
  check_refused(post + "A: b\nContent-Length: 3\r\n\r\n", 400);
}

TEST(HttpHeadTest, OtherVersionsAndOtherProtocolsAreRefused) {
  check_refused("GET / HTTP/1.0\r\n" + kHost + "\r\n", 505);
  check_refused("GET / HTTP/2.0\r\n" + kHost + "\r\n", 400);
  check_refused("GET /\r\n\r\n", 400);
  check_refused("\x16\x03\x01\x02\r\n\r\n", 400);
  check_refused("SSH-2.0-x\r\n\r\n", 400);
  check_refused("\r\n\r\n", 400);
  check_refused("GET / HTTP/1.1\r\n\r\n", 400);
}

TEST(HttpHeadTest, AFieldGivenTwiceReadsAsNeither) {
  const auto head = parse("GET / HTTP/1.1\r\n" + kHost + "Rb-Session: a\r\nRb-Session: b\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->request.headers.at("rb-session"), "a, b");
}

TEST(HttpHeadTest, AnAnswersHeadHasOneFramingAndNoForeignLines) {
  api::Response response;
  response.headers["x"] = "a\r\nInjected: yes";
  response.body = {1, 2, 3};
  EXPECT_EQ(encode_answer_head(response, BodyFraming::sized, ConnectionFate::keep),
            "HTTP/1.1 200 OK\r\nx: a  Injected: yes\r\ncontent-length: 3\r\n\r\n");
  response.headers.clear();
  EXPECT_EQ(
      encode_answer_head(response, BodyFraming::chunked, ConnectionFate::close),
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: rb-error\r\nconnection: close\r\n\r\n");
}

}  // namespace
}  // namespace rb::net
