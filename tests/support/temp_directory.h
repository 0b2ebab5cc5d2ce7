// A directory of a test's own, removed with all beneath it at the end, however deep.
#pragma once

#include <cstdlib>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace rb::test {

class TempDirectory {
 public:
  TempDirectory() : path_(testing::TempDir() + "rbtest.XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDirectory() {
    const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd) empty(fd.get());
    ::rmdir(path_.c_str());
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Creates or overwrites the file.
  std::string write(std::string_view name, std::string_view content) const {
    const std::string path = *this / name;
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()))
        << path;
    return path;
  }
  std::string mkdir(std::string_view name) const {
    const std::string path = *this / name;
    EXPECT_EQ(::mkdir(path.c_str(), 0755), 0) << path;
    return path;
  }

 private:
  // Moves what is deep to the top first, so that neither a path nor the stack nor the number of handles grows
  // with depth.
  static void empty(int top) {
    while (empty_once(top, top))
      continue;
  }
  // Says whether directories were moved up, so that it has to be called again.
  static bool empty_once(int top, int dir) {
    bool moved = false;
    const UniqueFd copy(::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR* const stream = ::fdopendir(::dup(copy.get()));
    while (stream != nullptr) {
      const dirent* const entry = ::readdir(stream);
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || ::unlinkat(dir, name.c_str(), 0) == 0) continue;
      if (dir != top) {
        static unsigned long number = 0;
        const std::string up = ".moved-up-" + std::to_string(number++);
        moved |= ::renameat(dir, name.c_str(), top, up.c_str()) == 0;
        continue;
      }
      const UniqueFd child(::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child) moved |= empty_once(top, child.get());
      ::unlinkat(dir, name.c_str(), AT_REMOVEDIR);
    }
    if (stream != nullptr) ::closedir(stream);
    return moved;
  }

  std::string path_;
};

}  // namespace rb::test
