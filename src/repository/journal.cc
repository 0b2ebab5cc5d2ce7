#include "repository/journal.h"

#include <array>
#include <mutex>

#include <fmt/format.h>

#include "base/log.h"
#include "repository/journal_chain.h"
#include "repository/journal_copy.h"

namespace rb {

namespace {

JournalEntry entry_of(const JournalFrame& frame, JournalRecord record) {
  return {.sequence = frame.sequence, .hash = frame.hash, .record = std::move(record)};
}

// Reads records from whichever copy still has them as they were when the journal was opened.
class EntryReader {
 public:
  explicit EntryReader(const std::array<JournalCopy, 2>& copies)
      : readers_{JournalCopy::Reader(copies[0]), JournalCopy::Reader(copies[1])} {}

  // Valid until the next call.
  Result<ByteView> read(const JournalLink& link) {
    Result<ByteView> record =
        fail(Errc::corrupt, fmt::format("journal record {} is in no copy", link.sequence));
    for (std::size_t c = 0; c < 2; ++c) {
      if (link.places[c].length == 0) continue;
      record = readers_[c].read(link.places[c]);
      if (record) break;
      log(LogLevel::error, "{}", record.error().message);
    }
    return record;
  }

  Result<JournalEntry> read_entry(const JournalLink& link) {
    RB_TRY(const ByteView bytes, read(link));
    RB_TRY(const JournalFrame frame, decode_journal_frame(bytes));
    if (frame.sequence != link.sequence) {
      return fail(Errc::corrupt,
                  fmt::format("journal record {} stands where {} was", frame.sequence, link.sequence));
    }
    RB_TRY(JournalRecord record, decode_journal_payload(frame.kind, frame.payload));
    return entry_of(frame, std::move(record));
  }

 private:
  std::array<JournalCopy::Reader, 2> readers_;
};

class JournalImpl final : public Journal {
 public:
  JournalImpl(FileSystem& fs, std::string directory_1, std::string directory_2,
              const RepositoryId& repository)
      : copies_{JournalCopy(fs, std::move(directory_1), repository),
                JournalCopy(fs, std::move(directory_2), repository)},
        root_(journal_root(repository)),
        last_hash_(root_) {}

  Status load() {
    std::array<std::vector<JournalItem>, 2> items;
    std::optional<Error> problem;
    for (std::size_t c = 0; c < 2; ++c) {
      RB_TRY(JournalCopy::Contents contents, copies_[c].load());
      items[c] = std::move(contents.items);
      if (!contents.problem) continue;
      if (problem) return std::unexpected(problem->with("neither copy of the journal can be read"));
      problem = contents.problem;
      // To go on with the other copy alone could make two chains of one.
      forbid_writing(fmt::format("the journal in {} can't be read ({}); put that right and start again",
                                 copies_[c].directory(), problem->message));
    }
    JournalChain chain = join_journal_copies(std::move(items), shorten(root_));
    links_ = std::move(chain.links);
    if (!chain.problem.empty()) forbid_writing(std::move(chain.problem));
    if (!links_.empty()) {
      RB_TRY(const JournalEntry last, EntryReader(copies_).read_entry(links_.back()));
      last_hash_ = last.hash;
    }
    if (read_only_reason_.empty()) repair();
    return {};
  }

  Status resume() override {
    const std::lock_guard lock(mutex_);
    if (read_only_reason_.empty()) return {};
    if (!is_in_doubt_) return fail_read_only();
    std::array<std::vector<JournalItem>, 2> items;
    for (std::size_t c = 0; c < 2; ++c) {
      copies_[c].leave_segment();
      RB_TRY(JournalCopy::Contents contents, copies_[c].load());
      if (contents.problem) return std::unexpected(contents.problem->with("the journal is read-only"));
      items[c] = std::move(contents.items);
    }
    RB_TRY(go_on_with(join_journal_copies(std::move(items), shorten(root_))));
    log(LogLevel::info, "the journal can be written again");
    return {};
  }

  Result<JournalEntry> append(const JournalRecord& record) override {
    RB_TRY(check_journal_record(record));
    const std::lock_guard lock(mutex_);
    if (!read_only_reason_.empty()) return fail_read_only();
    const Bytes bytes = encode_journal_record(last_sequence_locked() + 1, last_hash_, record);
    for (JournalCopy& copy : copies_)
      RB_TRY(copy.make_ready(bytes.size()));
    // From here on a failure leaves the record in doubt.
    const Result<JournalLink> link = write_to_both(bytes);
    if (!link) {
      forbid_writing(fmt::format("a record could not be written ({})", link.error().message));
      is_in_doubt_ = true;
      return std::unexpected(link.error().with("writing the journal"));
    }
    RB_TRY(const JournalFrame frame, decode_journal_frame(bytes));
    links_.push_back(*link);
    last_hash_ = frame.hash;
    return entry_of(frame, record);
  }

  Status replay(std::uint64_t after_sequence, const Visitor& visit) override {
    EntryReader reader(copies_);
    for (std::size_t i = 0;; ++i) {
      JournalLink link;
      {
        const std::lock_guard lock(mutex_);
        if (i == 0) i = index_after(after_sequence);
        if (i >= links_.size()) return {};
        link = links_[i];
      }
      RB_TRY(const JournalEntry entry, reader.read_entry(link));
      RB_TRY(visit(entry));
    }
  }

  std::uint64_t last_sequence() const override {
    const std::lock_guard lock(mutex_);
    return last_sequence_locked();
  }

  std::string read_only_reason() const override {
    const std::lock_guard lock(mutex_);
    return read_only_reason_;
  }

 private:
  std::uint64_t last_sequence_locked() const { return links_.empty() ? 0 : links_.back().sequence; }

  std::size_t index_after(std::uint64_t sequence) const {
    const auto after = std::partition_point(
        links_.begin(), links_.end(), [&](const JournalLink& link) { return link.sequence <= sequence; });
    return static_cast<std::size_t>(after - links_.begin());
  }

  Result<JournalLink> write_to_both(ByteView bytes) {
    JournalLink link{.sequence = last_sequence_locked() + 1, .places = {}};
    for (std::size_t c = 0; c < 2; ++c) {
      RB_TRY(link.places[c], copies_[c].write(bytes));
    }
    for (JournalCopy& copy : copies_)
      RB_TRY(copy.sync());
    return link;
  }

  // The chain as read again has to be the one that is known, and at most what was in doubt more.
  Status go_on_with(JournalChain chain) {
    if (!chain.problem.empty()) return give_up(std::move(chain.problem));
    if (chain.links.size() < links_.size())
      return give_up("records that were written before are gone from both copies");
    EntryReader reader(copies_);
    if (!links_.empty()) {
      RB_TRY(const JournalEntry known, reader.read_entry(chain.links[links_.size() - 1]));
      if (known.hash != last_hash_) return give_up("another record stands where one was written before");
    }
    Digest last_hash = last_hash_;
    if (!chain.links.empty()) {
      RB_TRY(const JournalEntry last, reader.read_entry(chain.links.back()));
      last_hash = last.hash;
    }
    links_ = std::move(chain.links);
    last_hash_ = last_hash;
    read_only_reason_.clear();
    is_in_doubt_ = false;
    repair();
    return read_only_reason_.empty() ? Status{} : Status(fail_read_only());
  }

  Status give_up(std::string reason) {
    is_in_doubt_ = false;
    log(LogLevel::error, "the journal stays read-only: {}", reason);
    read_only_reason_ = std::move(reason);
    return fail_read_only();
  }

  std::unexpected<Error> fail_read_only() const {
    return fail(Errc::io, fmt::format("the journal is read-only: {}", read_only_reason_));
  }

  void forbid_writing(std::string reason) {
    if (!read_only_reason_.empty()) return;
    log(LogLevel::error, "the journal is read-only: {}", reason);
    read_only_reason_ = std::move(reason);
  }

  // What one copy lacks is written into a new segment of it; the damaged one stays as it is, for whoever
  // wants to know.
  void repair() {
    for (std::size_t c = 0; c < 2; ++c) {
      const Result<std::size_t> added = add_missing(c);
      if (!added) {
        forbid_writing(fmt::format("the journal in {} can't be repaired ({})", copies_[c].directory(),
                                   added.error().message));
        is_in_doubt_ = true;
        return;
      }
      if (*added == 0) continue;
      log(LogLevel::warning, "{} records were missing or damaged in {} and were taken from {}", *added,
          copies_[c].directory(), copies_[1 - c].directory());
    }
  }

  Result<std::size_t> add_missing(std::size_t c) {
    EntryReader reader(copies_);
    std::size_t added = 0;
    for (JournalLink& link : links_) {
      if (link.places[c].length != 0) continue;
      RB_TRY(const ByteView bytes, reader.read(link));
      RB_TRY(copies_[c].make_ready(bytes.size()));
      RB_TRY(link.places[c], copies_[c].write(bytes));
      ++added;
    }
    RB_TRY(copies_[c].sync());
    return added;
  }

  mutable std::mutex mutex_;
  std::array<JournalCopy, 2> copies_;  // written under mutex_; where records stand in them never changes
  std::vector<JournalLink> links_;
  const Digest root_;
  Digest last_hash_;
  std::string read_only_reason_;
  bool is_in_doubt_ = false;  // read-only, but to read both copies again may settle it
};

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& fs, std::string directory_1,
                                               std::string directory_2, const RepositoryId& repository) {
  auto journal =
      std::make_unique<JournalImpl>(fs, std::move(directory_1), std::move(directory_2), repository);
  RB_TRY(journal->load());
  return journal;
}

}  // namespace rb
