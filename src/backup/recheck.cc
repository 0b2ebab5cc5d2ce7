#include "backup/recheck.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/unique_fd.h"

namespace rb {

namespace {

constexpr std::int64_t kDaySeconds = std::int64_t{24} * 60 * 60;
constexpr std::string_view kMagic = "rbbackup walk 1\n";
constexpr std::streamoff kMaxStateBytes = 1 << 20;

std::string state_file(const std::string& directory, const CacheKey& key) {
  Hasher hasher;
  hasher.update(key.repository.view())
      .update(as_bytes(key.node))
      .update(as_bytes("\n"))
      .update(as_bytes(key.root_path));
  return directory + "/" + to_hex(hasher.digest().view().first(16)) + ".walk";
}

// Paths in the order of a walk: '/' before every other byte, so that a directory's files stay together.
bool walks_before(std::string_view a, std::string_view b) {
  const auto rank = [](char c) { return c == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(c)); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

}  // namespace

Recheck::Recheck(const std::string& cache_directory, const CacheKey& key, std::uint64_t budget,
                 const Timestamp& now)
    : now_(now), left_(budget) {
  if (cache_directory.empty()) return;
  file_ = state_file(cache_directory, key);
  load();
  ran_ =
      budget > 0 && last_time_ != 0 && (now.seconds - last_time_ >= kDaySeconds || now.seconds < last_time_);
  active_ = ran_;
}

void Recheck::load() {
  std::ifstream in(file_, std::ios::binary | std::ios::ate);
  const std::streamoff size = in.tellg();
  if (size < 0 || size > kMaxStateBytes) return;
  std::string text(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  in.read(text.data(), size);
  if (!in || !text.starts_with(kMagic)) return;
  std::istringstream fields(text.substr(kMagic.size()));
  std::int64_t time = 0;
  std::uint64_t files = 0, bytes = 0;
  if (!(fields >> time >> files >> bytes) || fields.get() != '\n') return;
  last_time_ = time;
  last_files_ = files;
  last_bytes_ = bytes;
  std::getline(fields, resume_after_, '\0');
}

bool Recheck::take(const std::string& path, std::uint64_t size) {
  if (size == 0) return false;
  std::lock_guard lock(mutex_);
  if (left_ == 0 || !walks_before(resume_after_, path)) return false;
  left_ -= std::min(left_, size);
  if (left_ == 0) active_ = false;
  if (walks_before(reached_, path)) reached_ = path;
  return true;
}

void Recheck::save(std::uint64_t files, std::uint64_t bytes) {
  if (file_.empty()) return;
  std::string resume;
  std::int64_t time = last_time_ == 0 ? now_.seconds : last_time_;
  {
    std::lock_guard lock(mutex_);
    // A budget that was not used up has seen all that was left: begin again next time.
    resume = !ran_ ? resume_after_ : left_ == 0 ? reached_ : "";
    if (ran_) time = now_.seconds;
  }
  if (!ran_ && last_time_ != 0 && files == last_files_ && bytes == last_bytes_) return;
  std::ostringstream out;
  out << kMagic << time << ' ' << files << ' ' << bytes << '\n' << resume << '\0';
  const std::string text = out.str();
  const std::string next = file_ + ".new";
  const UniqueFd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return;
  // A rename over a file makes ext4 write the new one out at once, which takes milliseconds; losing both
  // costs a walk without an estimate.
  ::unlink(file_.c_str());
  if (::rename(next.c_str(), file_.c_str()) != 0) ::unlink(next.c_str());
}

}  // namespace rb
