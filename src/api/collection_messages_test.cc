#include "api/collection_messages.h"

#include <gtest/gtest.h>

namespace rb::api {
namespace {

TEST(CollectionMessagesTest, ComeBackAsTheyWere) {
  for (const bool flag : {false, true}) {
    const CollectionOrder order{.dry_run = flag, .though_damaged = !flag, .damaged_copies = flag};
    EXPECT_EQ(decode_collection_order(as_bytes(encode_collection_order(order))), order);
  }
  const CollectionAnswer answer{1ull << 40, 2, 3, 4, 5, 6, 7.25, 8, 9, 10, "because"};
  EXPECT_EQ(decode_collection_answer(as_bytes(encode_collection_answer(answer))), answer);
}

TEST(CollectionMessagesTest, WhatIsWrongIsRefused) {
  for (const char* text :
       {"", "[]", "{}", R"({"dry_run": 1, "though_damaged": false})", R"({"dry_run": true})"})
    EXPECT_FALSE(decode_collection_order(as_bytes(std::string_view(text)))) << text;
  EXPECT_FALSE(decode_collection_answer(as_bytes(std::string_view(R"({"objects": -1})"))));
}

}  // namespace
}  // namespace rb::api
