#include "base/log.h"

namespace rb {

namespace {
LogSink& sink() {
  static LogSink the_sink;
  return the_sink;
}
}  // namespace

void set_log_sink(LogSink s) {
  sink() = std::move(s);
}

void log_message(LogLevel level, const std::string& text) {
  if (sink()) sink()(level, text);
}

}  // namespace rb
