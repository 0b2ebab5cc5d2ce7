// How failures travel: Result<T> carries a value or an Error; RB_ASSERT stops the program on a bug.
//
// Code decides on Error::code and retryable() only, never on the text. The text is for a person: what failed,
// on which path, what to do. Errors of a source file and errors of a store never share a type of report: the
// layer that meets them says which they are (backup/ treats every error that came out of a Store as fatal to
// the run).
#pragma once

#include <expected>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace rb {

// A closed list, each value from the caller's side.
enum class Errc : std::uint8_t {
  invalid_argument,  // the request makes no sense; repeating it will not help
  not_found,         // there is no such thing (or the caller may not know that there is)
  denied,            // the caller may not
  conflict,          // somebody else was first: read again and decide anew (commit against a moved head)
  missing_refs,  // a metadata block refers to objects that the store does not hold: send those, then resume
  fenced,        // the session has ended: begin again under the same run id and ask again
  corrupt,       // bytes are not what their checksum, id or format promises
  unsupported,   // a version, suite or feature this program does not know
  no_space,      // the store's disk or quota is full
  io,            // a disk failed
  busy,          // the server has no room for one more session now: wait retry_after, try again
  unavailable,   // the peer can't be reached or the line broke: retry with backoff
  cancelled,     // somebody asked to stop
  protocol,      // the peer broke the protocol
};

std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::io;
  std::string message;
  int sys_errno = 0;  // 0 when no system call failed

  Error() = default;
  Error(Errc c, std::string m, int e = 0) : code(c), message(std::move(m)), sys_errno(e) {}

  // Puts what was being done in front: "reading snapshot 3f..: " + message.
  Error with(std::string_view doing) const;

  // Whether the same request may succeed later without anything being changed.
  bool retryable() const { return code == Errc::unavailable || code == Errc::busy; }
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string message, int sys_errno = 0) {
  return std::unexpected(Error(code, std::move(message), sys_errno));
}

// Turns errno into an Error: "<doing>: No such file or directory". The code follows errno (ENOENT not_found,
// EACCES/EPERM denied, ENOSPC/EDQUOT no_space, else io).
std::unexpected<Error> fail_errno(std::string_view doing, int sys_errno);

[[noreturn]] void assertion_failed(const char* expression, std::source_location where);

}  // namespace rb

// A broken invariant of our own: stops the program, in release builds too. Never used on input.
#define RB_ASSERT(expression)                                                                \
  do {                                                                                       \
    if (!(expression)) ::rb::assertion_failed(#expression, std::source_location::current()); \
  } while (0)

#define RB_CONCAT_INNER(a, b) a##b
#define RB_CONCAT(a, b) RB_CONCAT_INNER(a, b)
#define RB_TRY_VOID(tmp, expression) \
  if (auto tmp = (expression); !tmp) return std::unexpected(std::move(tmp).error())
#define RB_TRY_VALUE(tmp, declaration, expression)          \
  auto tmp = (expression);                                  \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  declaration = std::move(*tmp)
#define RB_TRY_PICK(_1, _2, name, ...) name
#define RB_TRY_1(expression) RB_TRY_VOID(RB_CONCAT(rb_try_, __LINE__), expression)
#define RB_TRY_2(declaration, expression) RB_TRY_VALUE(RB_CONCAT(rb_try_, __LINE__), declaration, expression)
// RB_TRY(call()) or RB_TRY(auto value, call()): hands the error to our caller. It declares a name, so it is a
// statement, not an expression; wrap an expression that has commas outside parentheses. Not for coroutines.
#define RB_TRY(...) RB_TRY_PICK(__VA_ARGS__, RB_TRY_2, RB_TRY_1)(__VA_ARGS__)
