// The server's end of a Unix socket in the file system.
#pragma once

#include <string>

#include <sys/types.h>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rb::net {

// Binds and listens at `path`, mode 0666. A socket that nobody answers at is replaced; one that somebody
// does, or anything that is no socket, is refused. Removes its file when it goes, unless that is another's by
// then.
class UnixListener {
 public:
  static Result<UnixListener> open(const std::string& path);
  UnixListener(UnixListener&&) = default;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  int fd() const { return fd_.get(); }
  // For who takes care of closing it: Asio wants to own its descriptors.
  int release_fd() { return fd_.release(); }

 private:
  UnixListener(UniqueFd fd, std::string path, dev_t device, ino_t inode)
      : fd_(std::move(fd)), path_(std::move(path)), device_(device), inode_(inode) {}

  UniqueFd fd_;
  std::string path_;  // empty after a move
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace rb::net
