// The journal's copies and the other small files of a repository, damaged at random: what one copy lost comes
// from the other; what both lost is refused or leaves the server read-only, and never makes a history of its
// own.
#include <fmt/format.h>

#include "format/journal_format.h"
#include "format/repository_format.h"
#include "soak/damage.h"
#include "soak/memory_image.h"
#include "soak/trials.h"

namespace rb::test {
namespace {

struct JournalTally {
  std::uint64_t one_copy = 0, both_elsewhere = 0, same_record = 0, other_files = 0, rebuilds = 0;
  std::uint64_t refused = 0, read_only = 0, torn = 0;
};

struct RecordPlace {
  std::string file_name;
  std::size_t begin = 0, end = 0;
};

class JournalTrial {
 public:
  JournalTrial(std::uint64_t seed, JournalTally& tally)
      : damager_(seed), tally_(tally), image_(prepared().image), history_(prepared().history) {}

  void run() {
    if (damager_.one_in(3)) {
      image_.lose_catalog();
      catalog_is_gone_ = true;
      ++tally_.rebuilds;
      story_ += "the catalog is gone; ";
    }
    const std::uint64_t what = damager_.below(10);
    if (what < 4) {
      one_copy();
    } else if (what < 6) {
      both_in_different_records();
    } else if (what < 9) {
      both_in_the_same_record();
    } else {
      another_file();
    }
  }

 private:
  std::string copy_name(bool second) const { return second ? "journal.2" : "journal.1"; }
  std::string path_of(bool second, const std::string& file_name) const {
    return fmt::format("{}/{}/{}", kFakeDirectory, copy_name(second), file_name);
  }

  void one_copy() {
    ++tally_.one_copy;
    const bool second = damager_.one_in(2);
    for (const std::string& path : image_.files(copy_name(second))) {
      if (damager_.one_in(2)) damage(path);
    }
    if (damager_.one_in(20)) {
      image_.fs().erase(std::string(kFakeDirectory) + "/" + copy_name(second));
      story_ += copy_name(second) + " is gone; ";
    }
    expect_that_nothing_is_lost(second);
  }

  void damage(const std::string& path) {
    image_.replace(path, damager_.damage(image_.contents(path)));
    story_ += path + ": " + damager_.what();
  }

  // The copies hold the same records, in segments of the same names.
  std::vector<RecordPlace> records() const {
    std::vector<RecordPlace> places;
    for (const std::string& path : image_.files("journal.1")) {
      const Bytes bytes = image_.contents(path);
      for (std::size_t at = kJournalSegmentHeaderBytes; at < bytes.size();) {
        const auto frame = decode_journal_frame(ByteView(bytes).subspan(at));
        EXPECT_TRUE(frame);
        places.push_back({path.substr(path.rfind('/') + 1), at, at + frame->record_bytes});
        at = places.back().end;
      }
    }
    return places;
  }
  void damage_record(bool second, const RecordPlace& place) {
    const std::string path = path_of(second, place.file_name);
    image_.replace(path, damager_.damage_within(image_.contents(path), place.begin, place.end));
    story_ += path + ": " + damager_.what();
  }

  void both_in_different_records() {
    ++tally_.both_elsewhere;
    const std::vector<RecordPlace> places = records();
    const std::size_t of_first = damager_.below(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (i == of_first || damager_.one_in(10)) damage_record(damager_.one_in(2), places[i]);
    }
    expect_that_nothing_is_lost(damager_.one_in(2));
  }

  // All is there, and the copy that was damaged is whole again by itself.
  void expect_that_nothing_is_lost(bool damaged_copy) {
    SCOPED_TRACE(story_);
    expect_whole();
    image_.close();
    image_.fs().erase(std::string(kFakeDirectory) + "/" + copy_name(!damaged_copy));
    image_.lose_catalog();
    SCOPED_TRACE("from the repaired copy alone");
    expect_whole();
  }
  void expect_whole() {
    const Status opened = image_.open();
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(image_.repository().state().read_only_reason, "");
    const Reading reading = history_.read(image_.repository());
    EXPECT_EQ(reading.wrong, "");
    EXPECT_EQ(reading.whole, history_.snapshots()) << reading.first_error;
    EXPECT_EQ(reading.returned, 0u);
    const FullCheck check = image_.check();
    EXPECT_TRUE(check.done && check.damage == 0) << check.text;
  }

  void both_in_the_same_record() {
    ++tally_.same_record;
    const std::vector<RecordPlace> places = records();
    const std::size_t chosen = damager_.below(places.size());
    const Bytes before = image_.contents(path_of(false, places[chosen].file_name));
    for (const bool second : {false, true})
      damage_record(second, places[chosen]);
    SCOPED_TRACE(story_);
    const bool is_last = chosen + 1 == places.size();
    const Status opened = image_.open();
    if (!opened) {
      ++tally_.refused;
      EXPECT_NE(opened.error().message.find("journal"), std::string::npos) << opened.error().message;
      EXPECT_FALSE(catalog_is_gone_) << "with what is left there is something to read: "
                                     << opened.error().message;
    } else {
      expect_no_other_history(is_last && catalog_is_gone_);
    }
    put_back(places[chosen], before);
  }

  // A last record that nobody knows of can't be told from one that a crash cut short. A snapshot of which the
  // deletion is lost is shown again, while nothing can be written.
  void expect_no_other_history(bool may_be_torn) {
    const std::string reason = image_.repository().state().read_only_reason;
    ++(may_be_torn ? tally_.torn : tally_.read_only);
    EXPECT_EQ(reason.empty(), may_be_torn) << reason;
    const Reading reading = history_.read(image_.repository());
    EXPECT_EQ(reading.wrong, "");
    if (!catalog_is_gone_) {
      EXPECT_EQ(reading.whole, history_.snapshots()) << reading.first_error;
    }
  }

  void put_back(const RecordPlace& place, const Bytes& before) {
    image_.close();
    image_.replace(path_of(false, place.file_name), before);
    SCOPED_TRACE("after the first copy was put back");
    expect_whole();
  }

  // Which are not in two copies: the marker, and what can be lost.
  void another_file() {
    ++tally_.other_files;
    const bool marker = damager_.one_in(2);
    const std::string path =
        fmt::format("{}/{}", kFakeDirectory, marker ? kRepositoryMarkerName : "last-read");
    if (!marker) {
      ASSERT_TRUE(image_.open());
      (void)image_.check();
      image_.close();
    }
    const Bytes before = image_.contents(path);
    damage(path);
    SCOPED_TRACE(story_);
    if (marker) {
      const Status opened = image_.open();
      EXPECT_FALSE(opened);
      if (!opened) {
        EXPECT_NE(opened.error().message.find("format"), std::string::npos) << opened.error().message;
      }
      image_.replace(path, before);
    }
    expect_whole();
  }

  Damager damager_;
  JournalTally& tally_;
  MemoryImage image_;
  const SmallHistory& history_;
  std::string story_;
  bool catalog_is_gone_ = false;
};

TEST(JournalDamageTest, TheOtherCopyServesAndWhatBothLostIsNotMisread) {
  JournalTally tally;
  const std::uint64_t trials = run_trials(20, [&](std::uint64_t seed) { JournalTrial(seed, tally).run(); });
  fmt::print(
      "{} trials on journals, {} of them without the catalog: one copy damaged {}, both in different records "
      "{}, all repaired; both in the same record {}: {} refused, {} read-only, {} taken for torn; the marker "
      "and small files {}.\n",
      trials, tally.rebuilds, tally.one_copy, tally.both_elsewhere, tally.same_record, tally.refused,
      tally.read_only, tally.torn, tally.other_files);
}

}  // namespace
}  // namespace rb::test
