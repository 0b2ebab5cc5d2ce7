// Entries and directories for tests.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/hash.h"
#include "tree/directory_builder.h"

namespace rb::samples {

// The value, or the test ends with the error's text: for calls that must work.
template <typename T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error("unexpected error: " + result.error().message);
  return std::move(*result);
}
inline void check(Status status) {
  if (!status) throw std::runtime_error("unexpected error: " + status.error().message);
}

// Another salt: other content and time.
inline Entry file(std::string name, int salt = 0) {
  Entry entry;
  entry.name = std::move(name);
  entry.mode = 0644;
  entry.uid = entry.gid = 1000;
  entry.user = entry.group = "ana";
  entry.mtime = {1'700'000'000 + salt, 5};
  const std::string content = "content " + std::to_string(salt);
  entry.content_kind = ContentKind::inline_bytes;
  entry.inline_content.assign(content.begin(), content.end());
  entry.size = content.size();
  return entry;
}

// A file that refers to a chunk of its own.
inline Entry chunk_file(std::string name, int salt = 0) {
  Entry entry = file(std::move(name), salt);
  const Digest digest = hash(as_bytes(entry.name + "/" + std::to_string(salt)));
  entry.content_kind = ContentKind::chunk;
  entry.inline_content.clear();
  entry.size = 5000;
  entry.content = ObjectId::from(digest.view());
  return entry;
}

inline Entry directory(std::string name, const std::optional<ObjectId>& contents = std::nullopt,
                       int salt = 0) {
  Entry entry;
  entry.name = std::move(name);
  entry.type = EntryType::directory;
  entry.mode = 0755;
  entry.mtime = {1'600'000'000 + salt, 7};
  if (contents) {
    entry.content_kind = ContentKind::tree;
    entry.content = *contents;
  }
  return entry;
}

inline Entry implied(std::string name, std::uint32_t mode = 0755) {
  Entry entry = directory(std::move(name));
  entry.mtime = {};
  entry.mode = mode;
  entry.implied = true;
  return entry;
}

using EntryMap = std::map<std::string, Entry, std::less<>>;

inline ObjectId build(ObjectSink& sink, const EntryMap& entries) {
  DirectoryBuilder builder(sink);
  for (const auto& [name, entry] : entries)
    check(builder.add(entry));
  return value(builder.finish());
}

inline std::string numbered(int number) {
  std::string digits = std::to_string(number);
  return "file-" + std::string(digits.size() < 7 ? 7 - digits.size() : 0, '0') + digits + ".txt";
}

inline EntryMap numbered_files(int count) {
  EntryMap entries;
  for (int i = 0; i < count; ++i)
    entries.emplace(numbered(i), chunk_file(numbered(i)));
  return entries;
}

}  // namespace rb::samples
