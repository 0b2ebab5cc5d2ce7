// Makes the entry of one file, content and metadata, and says how far it may be trusted next time. A file
// that changes while it is read is read once more; if it still moves, what was read is given, marked as
// moved.
#pragma once

#include "backup/file_reader.h"
#include "scan/file_cache.h"
#include "scan/metadata.h"

namespace rb {

// What became of reading one file.
struct ReadResult {
  enum class Status : std::uint8_t {
    done,
    vanished,  // it is not there any more
    failed,    // `error` is the file's
    stopped,   // the run was; nothing is known about the file
  };
  Status status = Status::stopped;
  Entry entry;
  Signature signature;
  bool moved = false;  // it changed while it was read, twice
  Error error;

  // Nothing was read, for this error of the file.
  static ReadResult without(Error error);
};

// The kernel's coarse clock, from which file systems take their times.
Timestamp coarse_clock();

// The rule of trust: the file's ctime was older, by more than the clock's granularity, than the coarse clock
// just before it was read. Else a later change could carry the same ctime.
bool is_settled(const FileStat& stat, const Timestamp& clock_before);

// One per worker thread.
class EntryReader {
 public:
  EntryReader(FileReader& files, MetadataReader& metadata, ObjectUploader::Stream& stream,
              RunMonitor& monitor);

  // `stat` is what the directory said; anything but a directory.
  ReadResult read(const OpenDirectory& parent, const char* name, const FileStat& stat,
                  const FileReader::Help& help);

  // A file that nothing is known about but what the directory's list says, that it is a regular one: spares
  // the look at it before. Nothing where it is not small, or changed a moment ago, or can't be read: then it
  // is to be looked at and read as any other. Requires: has_own_clock() of its file system.
  std::optional<ReadResult> read_unseen(const OpenDirectory& parent, const char* name,
                                        const FileReader::Help& help);

  // A directory's own metadata; the content stays `none`.
  Result<Entry> read_directory(const OpenDirectory& directory, std::string name, const FileStat& stat);

 private:
  // Leaves the file open in `fd`, where it has something to read.
  Result<FileContent> read_content(const OpenDirectory& parent, const char* name, const FileStat& stat,
                                   const FileReader::Help& help, UniqueFd& fd);
  // The metadata of what was read. `trusted`: it lay still. `fd` may be none.
  ReadResult finish(const OpenDirectory& parent, const char* name, const FileStat& stat, const UniqueFd& fd,
                    FileContent content, bool trusted);
  ReadResult failed(Error error) const;

  FileReader& files_;
  MetadataReader& metadata_;
  RunMonitor& monitor_;
  LargeXattrSink large_xattr_;
};

}  // namespace rb
