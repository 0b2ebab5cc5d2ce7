#include "net/client_stream.h"

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace rb::net {

namespace {

class PlainClientStream final : public ClientStream {
 public:
  explicit PlainClientStream(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const override { return fd_.get(); }

  Result<Step> try_read(std::span<std::uint8_t> into) override {
    return outcome(::recv(fd_.get(), into.data(), into.size(), 0), POLLIN, "reading");
  }

  Result<Step> try_write(ByteView from) override {
    return outcome(::send(fd_.get(), from.data(), from.size(), MSG_NOSIGNAL), POLLOUT, "sending");
  }

  Result<Step> try_flush() override { return Step(); }

 private:
  static Result<Step> outcome(ssize_t moved, short event, const char* doing) {
    if (moved >= 0) return Step{.bytes = static_cast<std::size_t>(moved)};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Step{.wait_for = event};
    const int why = errno;
    return fail(Errc::unavailable, fail_errno(doing, why).error().message, why);
  }

  UniqueFd fd_;
};

}  // namespace

std::unique_ptr<ClientStream> make_plain_client_stream(UniqueFd fd) {
  return std::make_unique<PlainClientStream>(std::move(fd));
}

}  // namespace rb::net
