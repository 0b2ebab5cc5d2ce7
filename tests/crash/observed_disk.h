// A file system that tells of each change once it has happened, before whoever asked for it knows.
#pragma once

#include <functional>
#include <utility>

#include "base/file_system.h"

namespace rb::test {

class ObservedDisk final : public FileSystem {
 public:
  using Listener = std::function<void()>;

  // Borrows both; the listener may be set later, or be none.
  ObservedDisk(FileSystem& disk, const Listener& listener) : disk_(disk), listener_(listener) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = disk_.open(path, mode);
    if (mode == OpenMode::create_new) tell();
    if (!file) return file;
    return std::make_unique<ObservedFile>(std::move(*file), *this);
  }
  Status rename(const std::string& from, const std::string& to) override {
    return told(disk_.rename(from, to));
  }
  Status remove(const std::string& path) override { return told(disk_.remove(path)); }
  Status link(const std::string& from, const std::string& to) override { return told(disk_.link(from, to)); }
  Status create_directory(const std::string& path) override { return told(disk_.create_directory(path)); }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return disk_.list(directory);
  }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<Room> room(const std::string& path) override { return disk_.room(path); }
  Status sync_directory(const std::string& directory) override {
    return told(disk_.sync_directory(directory));
  }

 private:
  class ObservedFile final : public File {
   public:
    ObservedFile(std::unique_ptr<File> file, ObservedDisk& disk) : file_(std::move(file)), disk_(disk) {}
    Status write_at(std::uint64_t offset, ByteView data) override {
      return disk_.told(file_->write_at(offset, data));
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
      return file_->read_at(offset, out);
    }
    Result<std::uint64_t> size() const override { return file_->size(); }
    Status sync() override { return disk_.told(file_->sync()); }
    void drop_cache() override { file_->drop_cache(); }

   private:
    std::unique_ptr<File> file_;
    ObservedDisk& disk_;
  };

  void tell() const {
    if (listener_) listener_();
  }
  Status told(Status status) const {
    tell();
    return status;
  }

  FileSystem& disk_;
  const Listener& listener_;
};

}  // namespace rb::test
