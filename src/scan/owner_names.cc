#include "scan/owner_names.h"

#include <cerrno>
#include <mutex>
#include <vector>

#include <grp.h>
#include <pwd.h>

#include "base/limits.h"

namespace rb {

namespace {

// A group's record lists its members, so it may be long; past this something is wrong with the name service.
constexpr std::size_t kMaxRecordBytes = 16 << 20;

// `get` is getpwuid_r or getgrgid_r with its first argument bound. Gives the record or nullptr.
template <typename Record, typename Get>
Record* read_record(Record& record, std::vector<char>& buffer, const Get& get) {
  for (std::size_t bytes = 1024; bytes <= kMaxRecordBytes; bytes *= 4) {
    buffer.resize(bytes);
    Record* found = nullptr;
    const int error = get(&record, buffer.data(), buffer.size(), &found);
    if (error == 0) return found;
    if (error == EINTR)
      bytes /= 4;
    else if (error != ERANGE)
      return nullptr;
  }
  return nullptr;
}

std::string checked(const char* name) {
  std::string out = name == nullptr ? "" : name;
  if (out.size() > kMaxOwnerNameBytes) out.clear();
  return out;
}

std::string look_up_user(std::uint32_t uid) {
  passwd record;
  std::vector<char> buffer;
  const passwd* found = read_record(record, buffer, [uid](passwd* r, char* b, std::size_t n, passwd** out) {
    return ::getpwuid_r(uid, r, b, n, out);
  });
  return found ? checked(found->pw_name) : "";
}

std::string look_up_group(std::uint32_t gid) {
  ::group record;
  std::vector<char> buffer;
  const ::group* found = read_record(
      record, buffer,
      [gid](::group* r, char* b, std::size_t n, ::group** out) { return ::getgrgid_r(gid, r, b, n, out); });
  return found ? checked(found->gr_name) : "";
}

}  // namespace

std::string OwnerNames::user(std::uint32_t uid) {
  return find(users_, uid, look_up_user);
}

std::string OwnerNames::group(std::uint32_t gid) {
  return find(groups_, gid, look_up_group);
}

std::string OwnerNames::find(Table& table, std::uint32_t id, std::string (*look_up)(std::uint32_t)) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto at = table.find(id); at != table.end()) return at->second;
  }
  std::string name = look_up(id);  // may take long: not under the lock
  const std::unique_lock lock(mutex_);
  return table.try_emplace(id, std::move(name)).first->second;
}

}  // namespace rb
