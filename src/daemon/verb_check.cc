#include "daemon/verb_check.h"

#include <chrono>
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "api/check_messages.h"
#include "daemon/quantity.h"

namespace rb::daemon {

namespace {

constexpr std::chrono::milliseconds kLookEvery{200};

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) {
  interrupted = 1;
}

void show_progress(const api::CheckAnswer& state) {
  if (::isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\rchecking: {} of {} steps, {} read ", state.done, state.total,
             format_bytes(state.bytes_read));
}

// Asks again and again until it has ended. An interrupt ends the check itself, wherever it runs.
Result<api::CheckAnswer> await_end(Administrator& administrator) {
  bool is_told = false;
  for (;;) {
    RB_TRY(const api::Response answer, administrator.ask(api::check_state_request()));
    RB_TRY(api::CheckAnswer state, api::parse_check(answer));
    if (!state.running) return state;
    show_progress(state);
    if (interrupted != 0 && !is_told) {
      RB_TRY(administrator.ask(api::cancel_check_request()));
      is_told = true;
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

void print_finding(const api::CheckFinding& finding) {
  fmt::print("{}: {}: {}\n", finding.kind, finding.where, finding.what);
  for (const std::string& file : finding.affected)
    fmt::print("    {}\n", file);
  if (!finding.advice.empty()) fmt::print("  {}\n", finding.advice);
}

void print_text(const api::CheckAnswer& state) {
  for (const api::CheckFinding& finding : state.findings)
    print_finding(finding);
  if (state.finding_count > state.findings.size())
    fmt::print("and {} findings more\n", state.finding_count - state.findings.size());
  fmt::print(stderr, "{} snapshots, {} objects and {} references, {} records", state.snapshots, state.objects,
             state.references, state.records);
  if (state.data) fmt::print(stderr, "; {} packs read, {}", state.packs_read, format_bytes(state.bytes_read));
  fmt::print(stderr, ": {}\n", state.damage_count == 0 ? "no damage" : "damaged");
  if (state.damaged_copies > 0) {
    fmt::print(
        stderr,
        "{} damaged files with {} are kept beside corrected packs: 'gc --damaged-copies' removes them once "
        "nothing is missing\n",
        state.damaged_copies, format_bytes(state.damaged_copy_bytes));
  }
}

// A line for each finding, and the last for the whole.
void print_json(api::CheckAnswer state) {
  for (const api::CheckFinding& finding : state.findings)
    fmt::print("{}\n", api::encode_finding(finding));
  state.findings.clear();
  fmt::print("{}\n", api::encode_check_answer(state));
}

}  // namespace

Status check(const Options& options, Administrator& administrator) {
  const api::CheckRequest order{
      .data = options.data, .unpack = options.unpack, .bytes_per_second = options.rate};
  RB_TRY(const api::Response begun, administrator.ask(api::begin_check_request(order)));
  RB_TRY(api::parse_check(begun));
  std::signal(SIGINT, note_interrupt);
  std::signal(SIGTERM, note_interrupt);
  RB_TRY(const api::CheckAnswer state, await_end(administrator));
  if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\n");
  if (options.json) {
    print_json(state);
  } else {
    print_text(state);
  }
  if (!state.error.empty()) {
    return fail(Errc::cancelled, fmt::format("the check did not come to its end: {}{}", state.error,
                                             options.data ? "; what was read is remembered" : ""));
  }
  if (state.damage_count == 0) return {};
  return fail(Errc::corrupt, fmt::format("damage in {} places", state.damage_count));
}

}  // namespace rb::daemon
