// Gets objects into the store: builds blocks, asks before it sends, and keeps the order that the store's
// acceptance rule wants: data before the metadata that names it.
//
// Chunks go through streams, one per worker thread, each with its own block under construction, so that
// compressing runs on all cores without a shared lock. Metadata goes through one ordered builder. Before a
// metadata block is put, every stream has put what was added to it. An id that was handled in this run is not
// looked at again (a bounded table, which may forget: that costs a question, never data).
#pragma once

#include <memory>
#include <mutex>
#include <unordered_set>

#include "backup/run_monitor.h"
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
  std::vector<ObjectId> places_;
  std::array<std::mutex, kStripes> stripes_;
};

struct UploadOptions {
  int streams = 1;
  int compression_level = 1;
  bool discard = false;  // a dry run: name objects, ask and send nothing
};

class ObjectUploader final : public ObjectSink {
 public:
  // Borrows both.
  ObjectUploader(Session& session, RunMonitor& monitor, UploadOptions options);
  ~ObjectUploader() override;

  // One per worker; the owner adds, anybody may flush.
  class Stream {
   public:
    Stream(ObjectUploader& uploader, CompressionOptions compression);
    // Gives the chunk's id at once; the bytes are copied. Errors are the store's.
    Result<ObjectId> add_chunk(ByteView bytes);

   private:
    friend class ObjectUploader;
    struct Pending {
      ObjectId id;
      std::size_t offset, length;  // in arena_
    };
    Status flush();
    Status ask_pending();
    Status settle_waiting();
    Status build(const ObjectId& id, ByteView bytes);
    Status send_block();

    ObjectUploader& uploader_;
    std::mutex mutex_;
    BlockBuilder builder_;
    std::unordered_set<ObjectId> building_;  // in builder_: a block never holds an object twice
    std::vector<Pending> pending_;           // not asked about yet, or answered "wait"
    Bytes arena_;
  };
  Stream& stream(int worker) { return *streams_[static_cast<std::size_t>(worker)]; }

  // A metadata object; what it refers to has been added before.
  Result<ObjectId> put(Object object) override;

  // Which of these the store holds. Nothing is held as far as an empty store's session goes.
  Result<std::vector<bool>> held(std::span<const ObjectId> ids);

  // Everything that was added is on the store's stable storage when it succeeds.
  Status flush();

 private:
  Status flush_streams();
  Status send_metadata();
  Status send(Bytes block);

  Session& session_;
  RunMonitor& monitor_;
  const UploadOptions options_;
  RecentIds recent_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::mutex metadata_mutex_;  // taken before any stream's
  BlockBuilder metadata_;
  std::unordered_set<ObjectId> metadata_building_;
};

}  // namespace rb
