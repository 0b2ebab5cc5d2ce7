// What the program says: results on standard output, talk on standard error, progress on a terminal only, and
// the same as JSON lines where asked. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace rb::cli {

enum class Verbosity { quiet, normal, verbose };

class Terminal {
 public:
  Terminal(Verbosity verbosity, bool json);
  ~Terminal();

  bool json() const { return json_; }
  Verbosity verbosity() const { return verbosity_; }
  // Whether a progress line would be seen: standard error is a terminal, and neither -q nor --json.
  bool shows_progress() const { return shows_progress_; }

  // One line of result, without its newline.
  void result(const std::string& line);
  // One JSON object on one line of standard output. Bytes that are no UTF-8 are replaced.
  void object(const nlohmann::json& value);
  // Raw bytes to standard output; false when nobody reads any more.
  bool bytes(std::string_view data);

  // "rbbackup: <text>" on standard error. Errors are said even with -q; notes only without.
  void error(const std::string& text);
  void note(const std::string& text);

  // Until the returned object is destroyed: redraws the progress line from `line` about five times a second
  // on a terminal, or gives `object` once a second with --json. Nothing in a pipe or with -q.
  class Ticker;
  std::unique_ptr<Ticker> start_progress(std::function<std::string()> line,
                                         std::function<nlohmann::json()> object);

  // Flushes standard output; false when it could not be written (disk full, pipe closed).
  bool finish();

 private:
  void draw_progress(std::string line);
  void erase_progress();

  const Verbosity verbosity_;
  const bool json_;
  const bool shows_progress_;
  std::mutex mutex_;
  bool progress_drawn_ = false;
  bool output_failed_ = false;
};

class Terminal::Ticker {
 public:
  Ticker(std::chrono::milliseconds interval, std::function<void()> tick);
  ~Ticker();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rb::cli
