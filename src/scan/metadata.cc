#include "scan/metadata.h"

#include <cerrno>
#include <mutex>
#include <unordered_map>

#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "base/byte_codec.h"
#include "base/hash.h"
#include "base/limits.h"
#include "scan/owner_names.h"
#include "scan/xattrs.h"

namespace rb {

const std::uint64_t kRestorableAttributes = FS_COMPR_FL | FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL;

namespace {

// Looks a file system's identity up once for each st_dev, which stands still for the length of a run.
// Thread-safe.
class FileSystemIdentities {
 public:
  // `name` lies in `directory` and on `device`.
  std::uint64_t find(std::uint64_t device, int directory, const char* name) {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = known_.try_emplace(device, 0);
    if (is_new) {
      // Not by the directory's handle: a file may be a mount point itself.
      const UniqueFd fd(::openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (!fd) {
        known_.erase(at);
        return 0;
      }
      at->second = file_system_identity(fd.get());
    }
    return at->second;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::uint64_t> known_;
};

HardLinkGroup hard_link_group(std::uint64_t file_system, const FileStat& stat) {
  Bytes text;
  ByteWriter w(text);
  w.u64(file_system);
  w.u64(stat.inode);
  w.u8(stat.birth ? 1 : 0);
  w.u64(static_cast<std::uint64_t>(stat.birth ? stat.birth->seconds : 0));
  w.u32(stat.birth ? stat.birth->nanoseconds : 0);
  return HardLinkGroup::from(hash(text).view().first(HardLinkGroup::kSize));
}

// Targets are short; a file system that allows longer ones than PATH_MAX costs a second call.
Result<std::string> read_target(int directory, const char* name) {
  for (std::size_t size = 4096;; size = kMaxTargetBytes + 1) {
    std::string out(size, '\0');
    const ssize_t n = ::readlinkat(directory, name, out.data(), out.size());
    if (n < 0 && errno == EINVAL) return fail(Errc::not_found, "is no symlink any longer", EINVAL);
    if (n < 0) return fail_errno("reading the symlink", errno);
    if (static_cast<std::size_t>(n) == size) {
      if (size > kMaxTargetBytes) return fail(Errc::unsupported, "its target is longer than can be stored");
      continue;
    }
    out.resize(static_cast<std::size_t>(n));
    out.shrink_to_fit();
    return out;
  }
}

bool is_device(EntryType type) {
  return type == EntryType::char_device || type == EntryType::block_device;
}

}  // namespace

struct MetadataReader::Impl {
  OwnerNames owners;
  FileSystemIdentities file_systems;

  Entry base_entry(std::string name, const FileStat& stat) {
    Entry out;
    out.name = std::move(name);
    out.type = stat.type;
    out.mode = stat.mode;
    out.uid = stat.uid;
    out.gid = stat.gid;
    out.user = owners.user(stat.uid);
    out.group = owners.group(stat.gid);
    return out;
  }

  Entry full_entry(std::string name, const FileStat& stat) {
    Entry out = base_entry(std::move(name), stat);
    if (stat.type == EntryType::file) out.size = stat.size;
    if (is_device(stat.type)) out.device = stat.special_device;
    out.mtime = stat.mtime;
    out.birth = stat.birth;
    out.attributes = stat.attributes & kRestorableAttributes;
    return out;
  }
};

MetadataReader::MetadataReader() : impl_(std::make_unique<Impl>()) {}
MetadataReader::~MetadataReader() = default;

Result<Entry> MetadataReader::read(const OpenDirectory& parent, const char* name, const FileStat& stat,
                                   const LargeXattrSink& large_xattr, int open_fd) {
  Entry out = impl_->full_entry(name, stat);
  if (stat.type == EntryType::symlink) {
    RB_TRY(out.target, read_target(parent.fd(), name));
  }
  if (stat.link_count > 1 && stat.type != EntryType::directory) {
    out.hard_link = hard_link_group(impl_->file_systems.find(stat.device, parent.fd(), name), stat);
  }
  const bool is_open = open_fd >= 0;
  RB_TRY(out.xattrs,
         read_xattrs(is_open ? open_fd : parent.fd(), is_open ? "" : name, stat.type, large_xattr));
  return out;
}

Result<Entry> MetadataReader::read_self(const OpenDirectory& directory, std::string name,
                                        const FileStat& stat, const LargeXattrSink& large_xattr) {
  Entry out = impl_->full_entry(std::move(name), stat);
  RB_TRY(out.xattrs, read_xattrs(directory.fd(), "", stat.type, large_xattr));
  return out;
}

Entry MetadataReader::read_implied(std::string name, const FileStat& stat) {
  Entry out = impl_->base_entry(std::move(name), stat);
  out.implied = true;
  return out;
}

}  // namespace rb
