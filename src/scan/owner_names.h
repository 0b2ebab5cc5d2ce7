// Names of users and groups, looked up once each: a name service may take a network round trip to answer.
#pragma once

#include <cstdint>
#include <shared_mutex>
#include <string>
#include <unordered_map>

namespace rb {

// Thread-safe. An id without a name, or whose look-up fails, has the empty name for as long as this lives, so
// that one run sees one answer.
class OwnerNames {
 public:
  std::string user(std::uint32_t uid);
  std::string group(std::uint32_t gid);

 private:
  using Table = std::unordered_map<std::uint32_t, std::string>;
  std::string find(Table& table, std::uint32_t id, std::string (*look_up)(std::uint32_t));

  std::shared_mutex mutex_;
  Table users_, groups_;
};

}  // namespace rb
