// For tests: one worker of a run against a store in memory.
#pragma once

#include "backup/backup_test_support.h"
#include "backup/worker.h"

namespace rb::test {

struct WorkerBench {
  Client client;
  std::unique_ptr<Session> session = std::move(*client.store().begin({}));
  RunMonitor monitor{{}};
  MetadataReader metadata;
  const Cutter cutter{ChunkParams{}};
  ObjectUploader uploader{*session, monitor, {}};
  Worker worker{0, cutter, uploader, metadata, monitor};
};

}  // namespace rb::test
