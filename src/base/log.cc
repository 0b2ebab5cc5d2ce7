#include "base/log.h"

namespace rb {

namespace {
LogSink& sink() {
  static LogSink the_sink;
  return the_sink;
}

thread_local std::uint64_t current_request = 0;
}  // namespace

LogRequest::LogRequest(std::uint64_t id) {
  current_request = id;
}

LogRequest::~LogRequest() {
  current_request = 0;
}

std::uint64_t LogRequest::current() {
  return current_request;
}

void set_log_sink(LogSink s) {
  sink() = std::move(s);
}

void log_message(LogLevel level, const std::string& text) {
  if (sink()) sink()(level, text);
}

}  // namespace rb
