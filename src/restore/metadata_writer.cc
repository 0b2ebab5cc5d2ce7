#include "restore/metadata_writer.h"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/fs.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace rb {
namespace {

// What chattr may set. Others of FS_IOC_GETFLAGS tell how the file system keeps the file (extents, inline
// data, verity).
constexpr unsigned kSettableFlags = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_IMMUTABLE_FL |
                                    FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_NOCOMP_FL |
                                    FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_DIRSYNC_FL | FS_TOPDIR_FL |
                                    FS_NOCOW_FL | FS_PROJINHERIT_FL;

timespec to_timespec(const Timestamp& time) {
  return {time.seconds, static_cast<long>(time.nanoseconds)};
}

// The file system may keep 100 ns, a microsecond or a second.
bool times_agree(const timespec& found, const Timestamp& stored) {
  if (found.tv_sec != stored.seconds) return false;
  const std::uint32_t ns = stored.nanoseconds;
  const auto is = [&](std::uint32_t grain) {
    return static_cast<std::uint32_t>(found.tv_nsec) == ns - ns % grain;
  };
  return is(1) || is(100) || is(1000) || is(1000000000);
}

template <typename Id, typename Lookup>
std::optional<Id> look_up(std::mutex& mutex, std::unordered_map<std::string, std::optional<Id>>& known,
                          const std::string& name, Lookup lookup) {
  const std::lock_guard lock(mutex);
  const auto found = known.find(name);
  if (found != known.end()) return found->second;
  std::vector<char> buffer(16384);
  const std::optional<Id> id = lookup(name.c_str(), buffer);
  known.emplace(name, id);
  return id;
}

std::optional<uid_t> find_user(const char* name, std::vector<char>& buffer) {
  passwd record{};
  passwd* found = nullptr;
  if (::getpwnam_r(name, &record, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return found->pw_uid;
}

std::optional<gid_t> find_group(const char* name, std::vector<char>& buffer) {
  group record{};
  group* found = nullptr;
  int error = 0;
  while ((error = ::getgrnam_r(name, &record, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < (1 << 24)) {
    buffer.resize(buffer.size() * 2);  // a group of many members
  }
  if (error != 0 || !found) return std::nullopt;
  return found->gr_gid;
}

mode_t file_type(EntryType type) {
  switch (type) {
    case EntryType::file:
      return S_IFREG;
    case EntryType::directory:
      return S_IFDIR;
    case EntryType::symlink:
      return S_IFLNK;
    case EntryType::fifo:
      return S_IFIFO;
    case EntryType::socket:
      return S_IFSOCK;
    case EntryType::char_device:
      return S_IFCHR;
    case EntryType::block_device:
      return S_IFBLK;
  }
  return 0;
}

std::string_view name_of_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symbolic link";
    case S_IFIFO:
      return "FIFO";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
      return "character device";
    case S_IFBLK:
      return "block device";
    default:
      return "something unknown";
  }
}

std::string read_link(int directory, const std::string& name, std::size_t size) {
  std::string target(size + 1, '\0');
  const ssize_t n = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  target.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return target;
}

}  // namespace

MetadataWriter::MetadataWriter(ObjectSource& objects, RunContext& context)
    : objects_(objects), context_(context), euid_(::geteuid()), egid_(::getegid()) {
  const int count = ::getgroups(0, nullptr);
  if (count <= 0) return;
  groups_.resize(static_cast<std::size_t>(count));
  const int got = ::getgroups(count, groups_.data());
  groups_.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
}

uid_t MetadataWriter::uid_of(const Entry& entry) {
  if (entry.user.empty()) return entry.uid;
  return look_up<uid_t>(mutex_, users_.known, entry.user, find_user).value_or(entry.uid);
}

gid_t MetadataWriter::gid_of(const Entry& entry) {
  if (entry.group.empty()) return entry.gid;
  return look_up<gid_t>(mutex_, group_names_.known, entry.group, find_group).value_or(entry.gid);
}

bool MetadataWriter::in_our_groups(gid_t gid) const {
  return gid == egid_ || std::find(groups_.begin(), groups_.end(), gid) != groups_.end();
}

MetadataWriter::Wanted MetadataWriter::wanted(const Entry& entry) {
  Wanted wanted{.uid = uid_of(entry), .gid = gid_of(entry), .mode = entry.mode & 07777};
  if (euid_ == 0) return wanted;
  if (wanted.uid != euid_) {
    wanted.uid = euid_;
    wanted.owner_possible = false;
    wanted.mode &= ~static_cast<mode_t>(S_ISUID);
  }
  if (!in_our_groups(wanted.gid)) {
    wanted.any_group = true;
    wanted.owner_possible = false;
    wanted.mode &= ~static_cast<mode_t>(S_ISGID);
  }
  return wanted;
}

bool MetadataWriter::owner_agrees(const struct stat& found, const Wanted& wanted) const {
  return found.st_uid == wanted.uid && (wanted.any_group || found.st_gid == wanted.gid);
}

// The owner may have been set before the interruption, or not. A directory may have got its setgid bit from
// above.
bool MetadataWriter::looks_unfinished(const struct stat& found, const Wanted& wanted, mode_t mode) const {
  return (found.st_mode & 07777 & ~static_cast<mode_t>(S_ISGID)) == mode &&
         (found.st_uid == euid_ || found.st_uid == wanted.uid);
}

Examined MetadataWriter::examine(int directory, const std::string& name, const Entry& entry) {
  Examined result;
  const auto differs = [&](std::string why) {
    result.agreement = Agreement::differs;
    result.why = std::move(why);
    return result;
  };
  if (::fstatat(directory, name.c_str(), &result.stat, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return result;
    return differs(fmt::format("what is there can't be examined: {}", std::system_category().message(errno)));
  }
  const struct stat& found = result.stat;
  if ((found.st_mode & S_IFMT) != file_type(entry.type)) {
    return differs(fmt::format("a {} stands where a {} should be", name_of_type(found.st_mode),
                               name_of_type(file_type(entry.type))));
  }
  const Wanted want = wanted(entry);
  if (entry.type == EntryType::symlink) {
    // Owner and time of a link are set again: an interruption may have come between, and nothing is lost by
    // it.
    if (read_link(directory, name, entry.target.size()) != entry.target) return differs("has another target");
    result.agreement = Agreement::agrees;
    return result;
  }
  const bool regular = entry.type == EntryType::file;
  const bool device = entry.type == EntryType::char_device || entry.type == EntryType::block_device;
  const std::uint64_t found_device = std::uint64_t{major(found.st_rdev)} << 32 | minor(found.st_rdev);
  const bool same_content = regular ? static_cast<std::uint64_t>(found.st_size) == entry.size
                                    : !device || found_device == entry.device;
  const bool same_time = times_agree(found.st_mtim, entry.mtime);
  const bool same_mode = (found.st_mode & 07777) == want.mode;
  const bool same_owner = owner_agrees(found, want);
  if (same_content && same_time && same_mode && same_owner) {
    result.agreement = Agreement::agrees;
    return result;
  }
  if (found.st_nlink == 1 && looks_unfinished(found, want, kUnfinishedFileMode)) {
    result.agreement = Agreement::unfinished;
    return result;
  }
  if (!same_content) return differs(regular ? "has another size" : "is another device");
  if (!same_time) return differs("was modified at another time");
  return differs(same_mode ? "has another owner" : "has another mode");
}

Examined MetadataWriter::examine_directory(int fd, const Entry& entry) {
  Examined result;
  result.agreement = Agreement::differs;
  if (::fstat(fd, &result.stat) != 0) {
    result.why = "what is there can't be examined";
    return result;
  }
  const Wanted want = wanted(entry);
  const bool same_mode = (result.stat.st_mode & 07777) == want.mode;
  if (same_mode && owner_agrees(result.stat, want)) {
    result.agreement = Agreement::agrees;
  } else if (looks_unfinished(result.stat, want, kUnfinishedDirectoryMode)) {
    result.agreement = Agreement::unfinished;
  } else {
    result.why = same_mode ? "the directory has another owner" : "the directory has another mode";
  }
  return result;
}

void MetadataWriter::owner_lost(const TargetPlace& place, int error) {
  context_.metadata_lost(
      MetadataPart::owner, place.text(),
      error == 0 ? "the owner can't be set without being root"
                 : fmt::format("the owner can't be set: {}", std::system_category().message(error)));
}

// File systems without modes refuse; anything else means that the file is not complete.
Status MetadataWriter::mode_lost(const TargetPlace& place, int error) {
  if (error != EPERM && error != EOPNOTSUPP) return fail_errno("setting the mode", error);
  context_.metadata_lost(MetadataPart::mode, place.text(), "the mode can't be set");
  return {};
}

// `fd` < 0: by path, without following a symlink at its end.
void MetadataWriter::set_xattrs(const Entry& entry, const TargetPlace& place, int fd,
                                const std::string& path) {
  const auto set = [&](const Xattr& xattr) {
    std::shared_ptr<const Object> chunk;
    ByteView value = xattr.value;
    if (xattr.chunk) {
      auto loaded = objects_.load(*xattr.chunk);
      if (!loaded) {
        if (!concerns_object(loaded.error())) return context_.stop(loaded.error());
        return context_.warn(place.text(),
                             fmt::format("extended attribute {}: {}", xattr.name, loaded.error().message));
      }
      chunk = std::move(*loaded);
      value = chunk->payload;
    }
    const int result = fd >= 0 ? ::fsetxattr(fd, xattr.name.c_str(), value.data(), value.size(), 0)
                               : ::lsetxattr(path.c_str(), xattr.name.c_str(), value.data(), value.size(), 0);
    if (result == 0) return;
    const int error = errno;
    context_.metadata_lost(MetadataPart::xattr, place.text(),
                           fmt::format("the extended attribute {} can't be set: {}", xattr.name,
                                       std::system_category().message(error)));
  };
  // A change of owner or content clears the capability, and so might what a security module does to another
  // label.
  const auto is_capability = [](const Xattr& xattr) { return xattr.name == "security.capability"; };
  for (const Xattr& xattr : entry.xattrs) {
    if (!is_capability(xattr)) set(xattr);
  }
  for (const Xattr& xattr : entry.xattrs) {
    if (is_capability(xattr)) set(xattr);
  }
}

void MetadataWriter::set_times(int fd, const Entry& entry, const TargetPlace& place) {
  const timespec times[2] = {{0, UTIME_OMIT}, to_timespec(entry.mtime)};
  if (::futimens(fd, times) == 0) return;
  context_.metadata_lost(MetadataPart::times, place.text(), "the time of modification can't be set");
}

void MetadataWriter::set_early_flags(int fd, const Entry& entry) {
  const unsigned early = static_cast<unsigned>(entry.attributes) & (FS_NOCOW_FL | FS_COMPR_FL | FS_NOCOMP_FL);
  if (early == 0) return;
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= static_cast<int>(early);
  (void)::ioctl(fd, FS_IOC_SETFLAGS, &flags);  // set_flags tries again, and says so when it can't
}

void MetadataWriter::set_flags(int fd, const Entry& entry, const TargetPlace& place) {
  const unsigned wanted = static_cast<unsigned>(entry.attributes) & kSettableFlags;
  if (wanted == 0) return;
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
    const int before = flags;
    flags = static_cast<int>((static_cast<unsigned>(flags) & ~kSettableFlags) | wanted);
    if (flags == before || ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0) return;
  }
  const int error = errno;
  context_.metadata_lost(
      MetadataPart::attributes, place.text(),
      fmt::format("file attributes (chattr) can't be set: {}", std::system_category().message(error)));
}

Status MetadataWriter::apply(int fd, const Entry& entry, const Fresh& fresh, const TargetPlace& place) {
  Wanted want = wanted(entry);
  if (!want.owner_possible) owner_lost(place, 0);
  const bool as_created = fresh.created_by_us && want.uid == euid_ &&
                          (want.any_group || (want.gid == egid_ && !fresh.inherits_group));
  if (!as_created && ::fchown(fd, want.uid, want.any_group ? static_cast<gid_t>(-1) : want.gid) != 0) {
    owner_lost(place, errno);
    want.mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);  // they would lend another owner's rights
  }
  if (fresh.may_have_acl) (void)::fremovexattr(fd, "system.posix_acl_access");
  if (!entry.xattrs.empty()) set_xattrs(entry, place, fd, {});
  if (!entry.implied) set_times(fd, entry, place);
  if (::fchmod(fd, want.mode) != 0) RB_TRY(mode_lost(place, errno));
  if (!fresh.leave_flags) set_flags(fd, entry, place);
  return {};
}

Status MetadataWriter::apply_at(int directory, const std::string& file_name, const Entry& entry,
                                const TargetPlace& place) {
  Wanted want = wanted(entry);
  const char* name = file_name.c_str();
  if (!want.owner_possible) owner_lost(place, 0);
  struct stat found {};
  if (::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("examining it", errno);
  if (!owner_agrees(found, want) &&
      ::fchownat(directory, name, want.uid, want.any_group ? static_cast<gid_t>(-1) : want.gid,
                 AT_SYMLINK_NOFOLLOW) != 0) {
    owner_lost(place, errno);
    want.mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
  }
  if (!entry.xattrs.empty())
    set_xattrs(entry, place, -1, fmt::format("/proc/self/fd/{}/{}", directory, file_name));
  const timespec times[2] = {{0, UTIME_OMIT}, to_timespec(entry.mtime)};
  if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
    context_.metadata_lost(MetadataPart::times, place.text(), "the time of modification can't be set");
  }
  if (entry.type == EntryType::symlink) return {};
  // glibc does this through a handle that follows no symlink.
  if (::fchmodat(directory, name, want.mode, AT_SYMLINK_NOFOLLOW) != 0) return mode_lost(place, errno);
  return {};
}

}  // namespace rb
