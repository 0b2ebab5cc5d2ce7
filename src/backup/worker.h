// What one thread of a run owns: its stream of chunks, its buffers.
#pragma once

#include "backup/entry_reader.h"

namespace rb {

struct Worker {
  Worker(int index, const Cutter& cutter, ObjectUploader& uploader, MetadataReader& metadata,
         RunMonitor& monitor)
      : stream(uploader.stream(index)),
        files(cutter, uploader, stream, monitor),
        entries(files, metadata, stream, monitor) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  ObjectUploader::Stream& stream;
  FileReader files;
  EntryReader entries;
};

}  // namespace rb
