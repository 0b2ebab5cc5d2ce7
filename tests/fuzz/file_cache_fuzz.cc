// Any bytes as a file of the client's cache: opened and walked without harm. What its checksums refuse is
// soon done with, so the fuzzer may also have them set right before the file is opened: the first byte says
// so.
//
// Layers: base format scan
#include <cstdlib>

#include <sys/mman.h>

#include "scan/cache_log_reader.h"
#include "scan/joined_cache.h"

namespace {

using namespace rb;

// A fixed key, so that a file's header can be made for it.
CacheKey fuzz_key() {
  CacheKey key;
  key.node = "node";
  key.root_path = "/r";
  return key;
}

// Puts the header, the footer and the first frames right, so that what they lead to is reached.
void repair(Bytes& file) {
  if (file.size() < sizeof(CacheFileHeader)) return;
  const CacheFileHeader header = CacheFileHeader::make(cache_key_digest(fuzz_key()));
  std::memcpy(file.data(), &header, sizeof header);
  for (std::size_t at = sizeof header; file.size() - at >= sizeof(FrameHeader);) {
    FrameHeader frame;
    std::memcpy(&frame, file.data() + at, sizeof frame);
    frame.kind = frame.kind == FrameKind::directory ? FrameKind::directory : FrameKind::pages;
    frame.key = place_key(cache_path_digest("/r"));
    const std::size_t room = file.size() - at - sizeof frame;
    frame.rows_bytes = static_cast<std::uint32_t>(std::min<std::size_t>(frame.rows_bytes, room));
    frame.pages_bytes =
        static_cast<std::uint32_t>(std::min<std::size_t>(frame.pages_bytes, room - frame.rows_bytes));
    const ByteView body = ByteView(file).subspan(at + sizeof frame);
    frame.rows_checksum = cache_checksum(body.first(frame.rows_bytes));
    frame.pages_checksum = cache_checksum(body.subspan(frame.rows_bytes, frame.pages_bytes));
    frame.seal();
    std::memcpy(file.data() + at, &frame, sizeof frame);
    at += frame.frame_bytes();
  }
}

void walk(const FileCache& cache, std::string_view path) {
  const auto dir = cache.find(path);
  if (!dir) return;
  dir->tree();
  for (; const CachedRow* row = dir->current(); dir->next()) {
    const Result<const Entry*> entry = dir->entry();
    if (entry && (*entry)->name != row->name) std::abort();
  }
  // The same by whole pages, as far as there are any.
  dir->rewind();
  while (dir->current() != nullptr) {
    const Result<const CachedPage*> page = dir->page();
    if (!page || *page == nullptr) {
      dir->next();
      continue;
    }
    if ((*page)->rows.empty() || (*page)->rows.front().name != dir->current()->name) std::abort();
    dir->skip_page();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes file(data + 1, data + size);
  if (data[0] & 1) repair(file);
  UniqueFd fd(::memfd_create("cache", MFD_CLOEXEC));
  if (!fd || ::write(fd.get(), file.data(), file.size()) != static_cast<ssize_t>(file.size())) return 0;
  CacheLogs logs;
  if (auto log = CacheLogReader::open_fd(std::move(fd), cache_key_digest(fuzz_key())))
    logs.push_back(std::move(log));
  const JoinedCache cache(std::move(logs));
  cache.root_tree();
  walk(cache, "/r");
  walk(cache, "/r/a");
  return 0;
}
