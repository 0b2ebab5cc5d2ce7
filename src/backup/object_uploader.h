// Gets objects into the store: builds blocks, asks before it sends, and keeps the order that the store's
// acceptance rule wants: data before the metadata that names it.
//
// Chunks go through streams, one per worker thread, each with its own block under construction, so that
// compressing runs on all cores without a shared lock. Metadata goes through one ordered builder. A metadata
// block that is full waits until every stream has put what was added to it before: mostly that happens by
// itself, with blocks that fill. An id that was handled in this run is not looked at again (a bounded table,
// which may forget: that costs a question, never data).
//
// What another session is sending already is not sent: such chunks wait (WaitingChunks), reading goes on, and
// the metadata that stands after them waits in line for them. Two sessions that wait for each other's chunks
// get them, because nobody waits before what it has claimed itself is on its way: no claimed chunk lies in a
// block under construction while its owner waits, or for longer than a moment while it is idle.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "backup/compression_pace.h"
#include "backup/run_monitor.h"
#include "backup/waiting_chunks.h"
#include "chunk/block_codec.h"
#include "format/object_io.h"
#include "store/store.h"

namespace rb {

// Remembers ids, the newest of those that share a place. Thread-safe through a lock per stripe.
class RecentIds {
 public:
  RecentIds();
  // True when the id was there already; remembers it in either case.
  bool check_and_add(const ObjectId& id);

 private:
  static constexpr std::size_t kPlaces = 1 << 18;  // 8 MiB: a file of 32 GiB, or as many small files
  static constexpr std::size_t kStripes = 64;
  static constexpr std::size_t kParts = 256;  // that get their memory at once
  struct Unmap {
    void operator()(ObjectId* ids) const;
  };
  void populate(std::size_t place);
  // Zeroed memory as it comes from the kernel: a small run touches, and pays for, a few pages of it.
  std::unique_ptr<ObjectId[], Unmap> places_;
  std::array<std::mutex, kStripes> stripes_;
  std::array<std::atomic<bool>, kParts> populated_{};
};

struct UploadOptions {
  int streams = 1;
  Compression compression;
  bool discard = false;  // a dry run: name objects, ask and send nothing
  // Chunks that others are sending, kept while reading goes on; metadata that waits for them.
  std::size_t waiting_bytes = 32 << 20;
  std::size_t waiting_metadata_blocks = 16;
  WaitingOptions waiting = {};
};

class ObjectUploader final : public ObjectSink {
 public:
  // Borrows both.
  ObjectUploader(Session& session, RunMonitor& monitor, UploadOptions options);
  ~ObjectUploader() override;

  using Clock = std::chrono::steady_clock;
  // Counts what was added to one stream, from 1.
  using ChunkNumber = std::uint64_t;

  // A block of chunks under construction.
  class DataBlock {
   public:
    // `last_put`: of any block that is made by the same thread; borrowed.
    DataBlock(ObjectUploader& uploader, Clock::time_point& last_put);
    // Puts the block first where the chunk no longer fits.
    Status add(const ObjectId& id, ByteView bytes, ChunkNumber number);
    Status put();
    bool empty() const { return builder_.empty(); }
    Clock::time_point since() const { return since_; }
    ChunkNumber first() const { return first_; }

   private:
    ObjectUploader& uploader_;
    BlockBuilder builder_;
    std::unordered_set<ObjectId> ids_;  // a block never holds an object twice
    Clock::time_point since_;           // its first chunk came
    ChunkNumber first_ = 0;             // of that
    Clock::time_point& last_put_;
  };

  // Chunks by kind, in two blocks: what can't be compressed would take room in the windows of the rest, and
  // the compressor's time.
  class DataBlocks {
   public:
    explicit DataBlocks(ObjectUploader& uploader) : uploader_(uploader) {}
    DataBlocks(const DataBlocks&) = delete;
    DataBlocks& operator=(const DataBlocks&) = delete;
    Status add(const ObjectId& id, ByteView bytes, ChunkNumber number = 0);
    Status put();
    // The oldest that is under construction; `none` where nothing is.
    ChunkNumber oldest(ChunkNumber none) const;
    // Those that are under construction since before.
    Status put_older_than(Clock::time_point limit);

   private:
    enum Kind { kCompressible, kRandom };
    ObjectUploader& uploader_;
    Clock::time_point last_put_;
    // Made when there is something for them: a small run pays for no buffers that it does not use.
    std::array<std::unique_ptr<DataBlock>, 2> blocks_;
  };

  // One per worker; the owner adds, anybody may flush.
  class Stream {
   public:
    explicit Stream(ObjectUploader& uploader);
    // Gives the chunk's id at once; the bytes are copied. Errors are the store's.
    Result<ObjectId> add_chunk(ByteView bytes);
    // The same, of one whose id is known to be this.
    Status add_chunk(const ObjectId& id, ByteView bytes);

   private:
    friend class ObjectUploader;
    struct Pending {
      ObjectId id;
      ChunkNumber number;
      std::size_t offset, length;  // in arena_
    };
    // Asks about what was added, and puts what is to be sent; what others are sending waits.
    Status flush();
    // Puts a block that is under construction for long, if nobody works on it.
    Status put_stale_block(Clock::time_point now);
    // Who knows of a chunk by its id finds it counted.
    ChunkNumber last_added() const { return added_; }
    // Up to this one all are put, or wait for others that send them.
    ChunkNumber last_handled() const { return handled_; }
    // These require mutex_.
    Status take(const ObjectId& id, ByteView bytes);
    Status ask_pending();
    void note_handled();

    ObjectUploader& uploader_;
    std::mutex mutex_;
    DataBlocks blocks_;
    std::vector<Pending> pending_;  // not asked about yet; the last that were added
    Bytes arena_;
    std::atomic<ChunkNumber> added_{0}, handled_{0};  // changed under mutex_
  };
  Stream& stream(int worker) { return *streams_[static_cast<std::size_t>(worker)]; }

  // A metadata object; what it refers to has been added before.
  Status put_named(const ObjectId& id, Object object) override;

  // Metadata that is put from now on shares no block with what was put before: a reader who wants the one
  // should not have to fetch the other.
  Status begin_metadata_block();

  // Which of these the store holds. Nothing is held as far as an empty store's session goes.
  Result<std::vector<bool>> held(std::span<const ObjectId> ids);

  // Everything that was added is on the store's stable storage when it succeeds.
  Status flush();

 private:
  // Metadata that waits for the chunks it names, and for all others that were added before.
  struct ClosedBlock {
    BlockBuilder block;
    std::vector<ChunkNumber> after;                      // of each stream
    std::optional<WaitingChunks::Number> after_waiting;  // known once the streams are that far
  };
  Status flush_streams();
  Status put_stale_blocks();
  // Waits while too many bytes of chunks do.
  Status make_room();
  // A moment of waiting for chunks of others, after everything of ours is on its way.
  Status wait_a_moment();
  // These require metadata_mutex_.
  Status close_metadata();
  bool streams_are_past(std::span<const ChunkNumber> numbers) const;  // one a stream
  Status put_closed(std::size_t left_max);
  Status put_metadata(BlockBuilder& block);
  Status send(Bytes block);

  Session& session_;
  RunMonitor& monitor_;
  const UploadOptions options_;
  CompressionPace compression_;
  RecentIds recent_;
  DataBlocks late_;  // chunks that had waited, and are ours after all; belongs to whoever asks about them
  WaitingChunks waiting_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::atomic<Clock::rep> next_stale_check_{0};
  std::mutex metadata_mutex_;  // taken before any stream's
  BlockBuilder metadata_;
  std::unordered_set<ObjectId> metadata_building_;
  std::deque<ClosedBlock> closed_;     // before metadata_ in the order of put
  std::optional<BlockBuilder> spare_;  // of a block that was put, to be used again
};

}  // namespace rb
