#include "api/check_messages.h"

#include <gtest/gtest.h>

namespace rb::api {
namespace {

TEST(CheckMessagesTest, ComeBackAsTheyWere) {
  const CheckRequest request{.data = true, .unpack = true, .bytes_per_second = 12'345'678};
  EXPECT_EQ(decode_check_request(as_bytes(encode_check_request(request))), request);
  CheckAnswer answer{
      .begun = true, .running = false, .data = true, .done = 3, .total = 9, .error = "stopped"};
  answer.objects = 1ull << 40;
  answer.finding_count = 7;
  answer.findings = {{"damaged", "packs/1", "2 objects", "back up", true, {"ana 0123 /a\nb"}},
                     {"spare", "packs/2", "", "", false, {}}};
  EXPECT_EQ(decode_check_answer(as_bytes(encode_check_answer(answer))), answer);
}

TEST(CheckMessagesTest, WhatIsWrongIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"data": 1, "unpack": true, "bytes_per_second": 0})",
                           R"({"data": true})", R"({"data": true, "unpack": true, "bytes_per_second": -1})"})
    EXPECT_FALSE(decode_check_request(as_bytes(std::string_view(text)))) << text;
  std::string answer = encode_check_answer({.findings = {{"damaged", "", "", "", true, {}}}});
  answer.replace(answer.find("\"damaged\""), 9, "17       ");
  EXPECT_FALSE(decode_check_answer(as_bytes(answer)));
}

}  // namespace
}  // namespace rb::api
