// The packs of a directory as open files for reading; keeps the most recently used ones open. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/file_system.h"

namespace rb {

class PackFiles {
 public:
  PackFiles(FileSystem& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}

  std::string path(std::uint64_t number) const;
  Result<std::shared_ptr<const File>> open(std::uint64_t number);
  // Another file has the name now: the next open() opens it.
  void forget(std::uint64_t number);

 private:
  struct OpenFile {
    std::uint64_t number = 0;
    std::shared_ptr<const File> file;
  };
  FileSystem& fs_;
  std::string directory_;
  std::mutex mutex_;
  std::list<OpenFile> open_;  // most recently used first; short enough to be searched
};

}  // namespace rb
