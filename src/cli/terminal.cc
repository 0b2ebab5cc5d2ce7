#include "cli/terminal.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rb::cli {

Terminal::Terminal(Verbosity verbosity, bool json)
    : verbosity_(verbosity),
      json_(json),
      shows_progress_(!json && verbosity != Verbosity::quiet && ::isatty(STDERR_FILENO) == 1) {}

Terminal::~Terminal() = default;

void Terminal::result(const std::string& line) {
  const std::lock_guard lock(mutex_);
  erase_progress();
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fputc('\n', stdout) == EOF) {
    output_failed_ = true;
  }
}

void Terminal::object(const nlohmann::json& value) {
  result(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

bool Terminal::bytes(std::string_view data) {
  const std::lock_guard lock(mutex_);
  if (std::fwrite(data.data(), 1, data.size(), stdout) != data.size()) output_failed_ = true;
  return !output_failed_;
}

void Terminal::error(const std::string& text) {
  const std::lock_guard lock(mutex_);
  erase_progress();
  fmt::print(stderr, "rbbackup: {}\n", text);
}

void Terminal::note(const std::string& text) {
  if (verbosity_ != Verbosity::quiet) error(text);
}

bool Terminal::finish() {
  const std::lock_guard lock(mutex_);
  erase_progress();
  if (std::fflush(stdout) != 0) output_failed_ = true;
  return !output_failed_;
}

void Terminal::erase_progress() {
  if (!progress_drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  progress_drawn_ = false;
}

namespace {

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

void Terminal::draw_progress(std::string line) {
  if (line.size() >= terminal_columns()) line.resize(terminal_columns() - 1);
  const std::lock_guard lock(mutex_);
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  progress_drawn_ = true;
}

struct Terminal::Ticker::Impl {
  std::chrono::milliseconds interval;
  std::function<void()> tick;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, interval, [&] { return stopping; })) {
      lock.unlock();
      tick();
      lock.lock();
    }
  }
};

Terminal::Ticker::Ticker(std::chrono::milliseconds interval, std::function<void()> tick)
    : impl_(new Impl{interval, std::move(tick), {}, {}, false, {}}) {
  impl_->thread = std::thread([this] { impl_->run(); });
}

Terminal::Ticker::~Ticker() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
}

std::unique_ptr<Terminal::Ticker> Terminal::start_progress(std::function<std::string()> line,
                                                           std::function<nlohmann::json()> object_now) {
  if (json_) {
    return std::make_unique<Ticker>(std::chrono::seconds(1),
                                    [this, make = std::move(object_now)] { object(make()); });
  }
  if (!shows_progress_) return nullptr;
  return std::make_unique<Ticker>(std::chrono::milliseconds(200),
                                  [this, make = std::move(line)] { draw_progress(make()); });
}

}  // namespace rb::cli
