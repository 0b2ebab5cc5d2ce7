#include "repository/id_order.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rb {
namespace {

TEST(IdOrderTest, IsThatOfTheIds) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& seeds) {
    std::vector<ObjectId> ids;
    for (const auto& [front, back] : seeds) {
      ObjectId id;
      id.bytes[0] = front % 3;
      id.bytes[7] = front / 64;
      id.bytes[31] = back % 4;
      ids.push_back(id);
    }
    const std::vector<std::uint32_t> order = order_of(ids);
    RC_ASSERT(order.size() == ids.size());
    std::vector<ObjectId> ordered;
    for (const std::uint32_t i : order)
      ordered.push_back(ids[i]);
    std::ranges::sort(ids);
    RC_ASSERT(ordered == ids);
  }));
}

}  // namespace
}  // namespace rb
