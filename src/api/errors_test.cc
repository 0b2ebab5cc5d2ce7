#include "api/errors.h"

#include <gtest/gtest.h>

namespace rb::api {
namespace {

constexpr Errc kAll[] = {Errc::invalid_argument, Errc::not_found, Errc::denied,  Errc::conflict,
                         Errc::missing_refs,     Errc::fenced,    Errc::corrupt, Errc::unsupported,
                         Errc::no_space,         Errc::io,        Errc::busy,    Errc::unavailable,
                         Errc::cancelled,        Errc::protocol};

TEST(ErrorsTest, EveryCodeSurvivesTheWire) {
  for (const Errc code : kAll) {
    const Response response = error_response(Error(code, "said \"so\"\nand more"));
    EXPECT_GE(response.status, 400);
    const Error back = decode_error(response.status, response.body);
    EXPECT_EQ(back.code, code);
    EXPECT_EQ(back.message, "said \"so\" and more");
    EXPECT_EQ(decode_error_trailer(encode_error_trailer(Error(code, "text"))).code, code);
  }
}

TEST(ErrorsTest, WhatMayBeTriedAgainSaysWhen) {
  EXPECT_TRUE(error_response(Error(Errc::busy, "full")).headers.contains("retry-after"));
  EXPECT_FALSE(error_response(Error(Errc::denied, "no")).headers.contains("retry-after"));
}

TEST(ErrorsTest, AForeignBodyLeavesTheStatusToDecide) {
  for (const char* body : {"", "<html>", "[]", "{}", R"({"error":1})", R"({"error":{"code":7}})"}) {
    EXPECT_EQ(decode_error(410, as_bytes(body)).code, Errc::fenced) << body;
    EXPECT_EQ(decode_error(503, as_bytes(body)).code, Errc::unavailable) << body;
    EXPECT_EQ(decode_error(418, as_bytes(body)).code, Errc::protocol) << body;
  }
}

TEST(ErrorsTest, AnUnknownCodeIsAProtocolError) {
  EXPECT_EQ(decode_error(400, as_bytes(R"({"error":{"code":"tired","message":"m"}})")).code, Errc::protocol);
}

TEST(ErrorsTest, ATrailerStaysOnItsLineWhateverTheMessage) {
  const std::string trailer = encode_error_trailer(Error(Errc::corrupt, "a\r\nb\x01 \xff\xfe \xc3\xa9"));
  for (const char c : trailer)
    EXPECT_TRUE(c >= 0x20 && c < 0x7f) << trailer;
  EXPECT_EQ(decode_error_trailer(trailer).code, Errc::corrupt);
}

TEST(ErrorsTest, AnEndlessMessageIsCut) {
  const Response response = error_response(Error(Errc::io, std::string(1 << 20, 'x')));
  EXPECT_LT(response.body.size(), 4096u);
}

}  // namespace
}  // namespace rb::api
