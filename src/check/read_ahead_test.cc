#include "check/read_ahead.h"

#include "support/check_bench.h"

namespace rb::test {
namespace {

using ReadAheadTest = CheckBench;

TEST_F(ReadAheadTest, TellsWhetherThePackWasReadToItsEnd) {
  const auto chunks = back_up({"one", "two"}, 1);
  const std::uint64_t pack = place_of(chunks[0]).pack;
  const Pace pace;
  ReadAhead ahead(core(), pace);
  EXPECT_FALSE(ahead.finish(pack)) << "nobody began";
  ahead.begin(pack);
  EXPECT_TRUE(ahead.finish(pack));
  EXPECT_FALSE(ahead.finish(pack)) << "that was for once";
  ahead.begin(pack);
  EXPECT_FALSE(ahead.finish(pack + 1)) << "another one was read";
  ahead.begin(pack + 1000);
  EXPECT_FALSE(ahead.finish(pack + 1000)) << "it is not there";
}

TEST_F(ReadAheadTest, EndsWithThePace) {
  const auto chunks = back_up({"one", "two"}, 1);
  const std::uint64_t pack = place_of(chunks[0]).pack;
  Pace pace;
  ReadAhead ahead(core(), pace);
  pace.cancel();
  ahead.begin(pack);
  EXPECT_FALSE(ahead.finish(pack));
  ahead.begin(pack);  // and nobody asks
}

}  // namespace
}  // namespace rb::test
