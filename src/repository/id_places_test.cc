#include "repository/id_places.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace rb {
namespace {

TEST(IdPlacesTest, EachIdHasOnePlaceInTheOrderOfFirstUse) {
  IdPlaces places;
  for (const std::size_t count : {1000u, 1u, 0u, 3000u}) {
    std::vector<ObjectId> ids(count);
    for (ObjectId& id : ids)
      id = random_id<ObjectId>();
    places.begin(count);
    for (int time = 0; time < 2; ++time) {
      for (std::size_t i = 0; i < count; ++i)
        EXPECT_EQ(places.place_of(ids[i]), i);
    }
    EXPECT_EQ(places.ids(), ids);
  }
}

}  // namespace
}  // namespace rb
