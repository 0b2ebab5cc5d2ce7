#include "base/file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace rb {

namespace {

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path, OpenMode mode)
      : fd_(std::move(fd)), path_(std::move(path)), mode_(mode) {}

  Status write_at(std::uint64_t offset, ByteView data) override {
    bool direct = direct_ && is_of_blocks(offset, data);
    while (!data.empty()) {
      const int fd = direct ? direct_.get() : fd_.get();
      const ssize_t n = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EINVAL && std::exchange(direct, false)) continue;  // its blocks are larger
      if (n < 0) return fail_errno(fmt::format("writing {}", path_), errno);
      // A device that takes nothing and reports nothing would keep us here for ever.
      if (n == 0) return fail_errno(fmt::format("writing {}", path_), EIO);
      data = data.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
      direct = direct && n % kDeviceBlock == 0;  // the disk is nearly full
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    bool direct = direct_ && is_of_blocks(offset, out);
    std::size_t done = 0;
    while (done < out.size()) {
      const int fd = direct ? direct_.get() : fd_.get();
      const ssize_t n = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EINVAL && std::exchange(direct, false)) continue;  // its blocks are larger
      if (n < 0) return fail_errno(fmt::format("reading {}", path_), errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
      if (direct && done % kDeviceBlock != 0) break;  // only the end of the file does that
    }
    return done;
  }

  Result<std::uint64_t> size() const override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return fail_errno(fmt::format("looking at {}", path_), errno);
    return static_cast<std::uint64_t>(st.st_size);
  }

  Status sync() override {
    while (::fdatasync(fd_.get()) != 0) {
      if (errno != EINTR) return fail_errno(fmt::format("syncing {}", path_), errno);
    }
    return {};
  }

  // Lets go of clean pages only, so it can lose nothing.
  void drop_cache() override { (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

  void will_need(std::uint64_t offset, std::uint64_t bytes) const override {
    (void)::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes),
                          POSIX_FADV_WILLNEED);
  }

  // The file itself, whatever its name means by now. Not every file system can do it.
  void bypass_cache() override {
    const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
    const int access = mode_ == OpenMode::read ? O_RDONLY : O_RDWR;
    direct_.reset(::open(self.c_str(), access | O_DIRECT | O_CLOEXEC));
  }

 private:
  static bool is_of_blocks(std::uint64_t offset, ByteView bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    return (offset | address | bytes.size()) % kDeviceBlock == 0;
  }

  UniqueFd fd_, direct_;
  std::string path_;
  OpenMode mode_;
};

Result<UniqueFd> open_fd(const std::string& path, int flags, mode_t mode = 0) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode);
    if (fd >= 0) return UniqueFd(fd);
    if (errno != EINTR) return fail_errno(fmt::format("opening {}", path), errno);
  }
}

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::write:
      return O_RDWR;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    RB_TRY(auto fd, open_fd(path, flags_of(mode), 0600));
    return std::unique_ptr<File>(new PosixFile(std::move(fd), path, mode));
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return fail_errno(fmt::format("renaming {} to {}", from, to), errno);
  }

  Status link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) == 0) return {};
    return fail_errno(fmt::format("linking {} to {}", to, from), errno);
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    return fail_errno(fmt::format("removing {}", path), errno);
  }

  Status create_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    const int mkdir_errno = errno;
    struct stat st {};
    if (mkdir_errno == EEXIST && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    return fail_errno(fmt::format("creating the directory {}", path), mkdir_errno);
  }

  Result<Room> room(const std::string& path) override {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0)
      return fail_errno(fmt::format("asking for the room left at {}", path), errno);
    return Room{st.f_frsize * st.f_blocks, st.f_frsize * st.f_bavail};
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    RB_TRY(auto fd, open_fd(directory, O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
    if (!dir) return fail_errno(fmt::format("listing {}", directory), errno);
    fd.release();
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr && errno != 0) return fail_errno(fmt::format("listing {}", directory), errno);
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat st {};
    if (::lstat(path.c_str(), &st) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return fail_errno(fmt::format("looking at {}", path), errno);
  }

  Status sync_directory(const std::string& directory) override {
    RB_TRY(auto fd, open_fd(directory, O_RDONLY | O_DIRECTORY));
    while (::fsync(fd.get()) != 0) {
      if (errno != EINTR) return fail_errno(fmt::format("syncing the directory {}", directory), errno);
    }
    return {};
  }
};

Status write_new_file(FileSystem& fs, const std::string& path, ByteView content) {
  RB_TRY(auto file, fs.open(path, OpenMode::create_new));
  RB_TRY(file->write_at(0, content));
  return file->sync();
}

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() {
  return std::make_unique<PosixFileSystem>();
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<Bytes> read_file(FileSystem& fs, const std::string& path, std::uint64_t max_bytes) {
  RB_TRY(auto file, fs.open(path, OpenMode::read));
  RB_TRY(const std::uint64_t size, file->size());
  if (size > max_bytes) {
    return fail(Errc::corrupt, fmt::format("{} is longer than the {} bytes it may have", path, max_bytes));
  }
  Bytes content(static_cast<std::size_t>(size));
  RB_TRY(const std::size_t got, file->read_at(0, content));
  content.resize(got);
  return content;
}

Status write_file_atomically(FileSystem& fs, const std::string& path, ByteView content) {
  const std::string temporary = path + ".new";
  // One that a crash left behind holds nothing that anybody was promised.
  RB_TRY(const bool left_behind, fs.exists(temporary));
  if (left_behind) RB_TRY(fs.remove(temporary));
  if (const Status written = write_new_file(fs, temporary, content); !written) {
    static_cast<void>(fs.remove(temporary));
    return written;
  }
  RB_TRY(fs.rename(temporary, path));
  return fs.sync_directory(parent_directory(path));
}

}  // namespace rb
