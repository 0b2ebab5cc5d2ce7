// The plain ends of Unix sockets for tests: a client that sends whatever it is told, and a server made of a
// script.
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/unique_fd.h"

namespace rb::test {

inline sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

// Sends all of it; false when the other end is gone.
inline bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Up to `max` bytes; empty at the end of the stream, at an error and after ten seconds of nothing.
inline std::string receive_some(int fd, std::size_t max = 65536) {
  const timeval patience{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string out(max, '\0');
  const ssize_t n = ::recv(fd, out.data(), out.size(), 0);
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

// Takes answers out of a stream of bytes.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // The next bytes; empty at the end of the stream, at an error and after ten seconds of nothing.
  virtual std::string some() = 0;

  // The next answer, head and body of the length it says; what there is when the stream ends before.
  std::string answer() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return take(buffer_.size());
    }
    const std::size_t total = end + 4 + length_of(buffer_.substr(0, end));
    while (buffer_.size() < total) {
      if (!more()) return take(buffer_.size());
    }
    return take(total);
  }
  // Everything until the stream ends.
  std::string rest() {
    while (more()) {
    }
    return take(buffer_.size());
  }

 private:
  bool more() {
    const std::string got = some();
    buffer_ += got;
    return !got.empty();
  }
  std::string take(std::size_t n) {
    std::string out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }
  static std::size_t length_of(const std::string& head) {
    const std::size_t at = head.find("content-length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  std::string buffer_;
};

// On a Unix socket, or on TCP as it is.
class RawClient : public AnswerReader {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = unix_address(path);
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  explicit RawClient(std::uint16_t loopback_port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(loopback_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }
  int fd() const { return fd_.get(); }
  bool send(std::string_view text) { return send_all(fd_.get(), text); }
  void end_writing() { ::shutdown(fd_.get(), SHUT_WR); }
  std::string some() override { return receive_some(fd_.get()); }

 private:
  UniqueFd fd_;
  bool connected_ = false;
};

inline int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

// Listens at a path and hands each connection, on a thread of its own, to a function; closes it afterwards.
class ScriptedServer {
 public:
  using Serve = std::function<void(int fd, int connection_number)>;

  ScriptedServer(const std::string& path, Serve serve)
      : path_(path), serve_(std::move(serve)), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_un address = unix_address(path);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_.get(), 64), 0);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    ::shutdown(fd_.get(), SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_)
        ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_)
      thread.join();
    ::unlink(path_.c_str());
  }

  int connections() const { return count_; }

 private:
  void accept_all() {
    while (!stopping_) {
      const int fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, number = count_++] {
        serve_(fd, number);
        const std::lock_guard closing(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  }

  const std::string path_;
  const Serve serve_;
  const UniqueFd fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> count_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// Reads one request, with the body of the length it says. Empty when the stream ends before.
inline std::string read_request(int fd) {
  std::string text;
  std::size_t end = std::string::npos;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    const std::string got = receive_some(fd);
    if (got.empty()) return {};
    text += got;
  }
  std::size_t length = 0;
  if (const std::size_t at = text.find("Content-Length: "); at < end)
    length = std::stoul(text.substr(at + 16));
  while (text.size() < end + 4 + length) {
    const std::string got = receive_some(fd);
    if (got.empty()) return {};
    text += got;
  }
  return text;
}

}  // namespace rb::test
