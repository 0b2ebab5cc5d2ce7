#include "repository/repository_directory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/random.h"

namespace rb {

namespace {

constexpr char kLockName[] = "lock";
constexpr char kReadmeName[] = "README";
constexpr std::uint64_t kFormatBytesMax = 4096;

constexpr std::string_view kReadme =
    "This directory is a repository of rbbackup: backups of one or more machines, with their history.\n"
    "\n"
    "Do not edit, rename or delete anything in it by hand. To look inside, run the program rbbackupd on it\n"
    "(\"rbbackupd DIR\") and use rbbackup to list and restore what it holds.\n"
    "\n"
    "  format               which version of the format this is; without it nothing can be read\n"
    "  packs/               the contents, compressed; each stored once\n"
    "  journal.1 journal.2  the list of backups and machines, in two copies\n"
    "  catalog/             an index of the others; it can be deleted and is then made anew\n"
    "  lock                 keeps two servers from using the directory at the same time\n"
    "\n"
    "A copy of the whole directory, made while no server runs on it, is a full copy of all backups.\n"
    "The formats are described to the byte in docs/format.md of the program's source.\n";

bool one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What an administrator or a file system may have put into a directory that is to become a repository.
bool may_stand_beside(const std::string& name) {
  return one_of(name, {"config.toml", "tls", "lost+found"});
}

bool made_by_creation(const std::string& name) {
  return one_of(name, {kLockName, kReadmeName, "README.new", "format.new", "packs", "journal.1", "journal.2",
                       "catalog"});
}

std::unexpected<Error> refuse(const std::string& path, std::string_view why) {
  return fail(Errc::denied, fmt::format("{} {}", path, why));
}

// Whether a repository may be made here: nothing is in the way, and nothing that looks like backups whose
// marker is lost.
Status check_free(FileSystem& fs, const std::string& path) {
  RB_TRY(const std::vector<std::string> names, fs.list(path));
  for (const std::string& name : names) {
    if (may_stand_beside(name)) continue;
    if (!made_by_creation(name)) {
      return refuse(
          path, fmt::format("is no repository and holds something else (\"{}\"): choose an empty one", name));
    }
    if (!one_of(name, {"packs", "journal.1", "journal.2"})) continue;
    RB_TRY(const std::vector<std::string> inside, fs.list(path + "/" + name));
    if (inside.empty()) continue;
    return refuse(
        path, fmt::format("holds backups in \"{}\", but its file \"{}\" is gone: put that back first", name,
                          kRepositoryMarkerName));
  }
  return {};
}

std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size() - 1, 0);
  int pid = 0;
  if (n <= 0 || std::from_chars(text.data(), text.data() + n, pid).ec != std::errc())
    return "another process";
  return fmt::format("process {}", pid);
}

// An open file description's lock: it goes with the process, and keeps a second one of the same process out
// as well.
Result<UniqueFd> take_lock(const std::string& path) {
  const std::string file = path + "/" + kLockName;
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno("opening " + file, errno);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return fail_errno("locking " + file, errno);
    return refuse(path, "is in use by " + holder_of(fd.get()));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());  // a label for the message above, nothing more
  if (::ftruncate(fd.get(), 0) == 0) (void)!::pwrite(fd.get(), pid.data(), pid.size(), 0);
  return fd;
}

Result<bool> has_marker(FileSystem& fs, const std::string& path) {
  return fs.exists(path + "/" + kRepositoryMarkerName);
}

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The marker comes last: until it is there, the next start does all of this again.
Status create(FileSystem& fs, RepositoryDirectory& directory) {
  for (const std::string& name : {directory.packs(), directory.journal_1(), directory.journal_2()}) {
    RB_TRY(fs.create_directory(name));
  }
  RB_TRY(write_file_atomically(fs, directory.path + "/" + kReadmeName, as_bytes(kReadme)));
  directory.format.id = random_id<RepositoryId>();
  fill_random(directory.format.record_key);
  RB_TRY(write_file_atomically(fs, directory.path + "/" + kRepositoryMarkerName,
                               encode_repository_format(directory.format)));
  directory.created = true;
  return fs.sync_directory(directory.path);
}

Status load(FileSystem& fs, RepositoryDirectory& directory) {
  const std::string marker = directory.path + "/" + kRepositoryMarkerName;
  RB_TRY(const Bytes content, read_file(fs, marker, kFormatBytesMax));
  auto format = decode_repository_format(content);
  if (!format) return std::unexpected(format.error().with(marker));
  directory.format = *format;

  RB_TRY(const bool packs, fs.exists(directory.packs()));
  if (!packs) return fail(Errc::corrupt, directory.packs() + " is gone: is a disk not mounted?");
  RB_TRY(const bool first, fs.exists(directory.journal_1()));
  RB_TRY(const bool second, fs.exists(directory.journal_2()));
  if (!first && !second)
    return fail(Errc::corrupt, "both copies of the journal in " + directory.path + " are gone");
  // One copy is enough: opening the journal repairs the other.
  if (!first) RB_TRY(fs.create_directory(directory.journal_1()));
  if (!second) RB_TRY(fs.create_directory(directory.journal_2()));
  return fs.sync_directory(directory.path);
}

}  // namespace

Result<RepositoryDirectory> open_repository_directory(FileSystem& fs, const std::string& path,
                                                      LockMode mode) {
  RepositoryDirectory directory;
  directory.path = path;
  RB_TRY(const bool exists, fs.exists(path));
  if (!exists) {
    RB_TRY(fs.create_directory(path));
    RB_TRY(fs.sync_directory(parent_of(path)));
  }
  // Before the lock file is made: nothing is left in a directory that turns out to be somebody else's.
  RB_TRY(const bool marked_before, has_marker(fs, path));
  if (!marked_before) RB_TRY(check_free(fs, path));
  if (mode == LockMode::take) {
    RB_TRY(directory.lock, take_lock(path));
  }
  RB_TRY(const bool marked, has_marker(fs, path));
  RB_TRY(marked ? load(fs, directory) : create(fs, directory));
  return directory;
}

}  // namespace rb
