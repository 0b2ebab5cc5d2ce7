// A check of the repository, as administrators order it and look at it. One runs at a time.
#pragma once

#include <string>
#include <vector>

#include "api/backend.h"
#include "api/service.h"

namespace rb::api {

struct CheckRequest {
  bool data = false;                   // contents as well, against their checksums
  bool unpack = false;                 // and every block unpacked, every id recomputed
  std::uint64_t bytes_per_second = 0;  // 0: as fast as it goes
  bool operator==(const CheckRequest&) const = default;
};

struct CheckFinding {
  std::string kind, where, what, advice;
  bool is_damage = false;  // files are affected, or may be
  std::vector<std::string> affected;
  bool operator==(const CheckFinding&) const = default;
};

struct CheckAnswer {
  bool begun = false;  // false: there was no check since the server started
  bool running = false, data = false;
  std::uint64_t done = 0, total = 0;
  std::string error;  // why it did not come to its end
  std::uint64_t snapshots = 0, objects = 0, references = 0, records = 0;
  std::uint64_t packs_read = 0, bytes_read = 0, sectors_corrected = 0;
  std::uint64_t damaged_copies = 0, damaged_copy_bytes = 0;  // that repairs have left, when it has ended
  std::uint64_t finding_count = 0, damage_count = 0;         // of all, also of those that are not listed
  std::vector<CheckFinding> findings;                        // when it has ended
  bool operator==(const CheckAnswer&) const = default;
};

// What does it. Thread-safe.
class Checker {
 public:
  virtual ~Checker() = default;
  virtual Status begin_check(const CheckRequest& request) = 0;  // Errc::busy: one is running
  virtual CheckAnswer check_state() = 0;
  virtual void cancel_check() = 0;
  virtual DamagedCopies damaged_copies() const = 0;
};

std::string encode_check_request(const CheckRequest& request);
Result<CheckRequest> decode_check_request(ByteView body);
std::string encode_check_answer(const CheckAnswer& answer);
Result<CheckAnswer> decode_check_answer(ByteView body);
std::string encode_finding(const CheckFinding& finding);  // one line

// The client's side.
Request begin_check_request(const CheckRequest& request);
Request check_state_request();
Request cancel_check_request();
Result<CheckAnswer> parse_check(const Response& answer);  // of all three

}  // namespace rb::api
