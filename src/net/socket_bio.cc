#include "net/socket_bio.h"

#include <cerrno>

#include <sys/socket.h>

#include "base/bytes.h"
#include "net/tls_context.h"

namespace rb::net {

namespace {

struct SocketState {
  int fd = -1;
  std::size_t gather_bytes = 0;
  Bytes gathered{};
  std::size_t sent = 0;  // of it
};

SocketState& state_of(BIO* bio) {
  return *static_cast<SocketState*>(BIO_get_data(bio));
}

bool is_for_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// False: not all of it could be sent; the flags say whether to try again.
bool send_gathered(BIO* bio) {
  SocketState& state = state_of(bio);
  BIO_clear_retry_flags(bio);
  while (state.sent < state.gathered.size()) {
    const ssize_t n = ::send(state.fd, state.gathered.data() + state.sent, state.gathered.size() - state.sent,
                             MSG_NOSIGNAL);
    if (n < 0 && is_for_later(errno)) BIO_set_retry_write(bio);
    if (n < 0) return false;
    state.sent += static_cast<std::size_t>(n);
  }
  state.gathered.clear();
  state.sent = 0;
  return true;
}

int socket_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  SocketState& state = state_of(bio);
  *written = 0;
  BIO_clear_retry_flags(bio);
  if (state.gathered.size() >= state.gather_bytes && !send_gathered(bio)) return 0;
  if (state.gathered.empty() && size >= kTlsRecordBytes) state.gathered.reserve(state.gather_bytes + size);
  append(state.gathered, as_bytes({data, size}));
  *written = size;
  return 1;
}

int socket_read(BIO* bio, char* data, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(state_of(bio).fd, data, size, 0);
  if (n < 0 && is_for_later(errno)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  *got = n > 0 ? static_cast<std::size_t>(n) : 0;
  return n > 0 ? 1 : 0;
}

long flush(BIO* bio) {
  if (!send_gathered(bio)) return 0;
  state_of(bio).gathered = Bytes();
  return 1;
}

long socket_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return flush(bio);
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

int socket_destroy(BIO* bio) {
  delete static_cast<SocketState*>(BIO_get_data(bio));
  BIO_set_data(bio, nullptr);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  BIO_meth_set_write_ex(method, &socket_write);
  BIO_meth_set_read_ex(method, &socket_read);
  BIO_meth_set_ctrl(method, &socket_control);
  BIO_meth_set_destroy(method, &socket_destroy);
  return method;
}

}  // namespace

OpensslPtr<BIO> make_socket_bio(int fd, std::size_t gather_bytes) {
  static BIO_METHOD* const method = make_method();  // for as long as the process lives
  OpensslPtr<BIO> bio(BIO_new(method));
  if (!bio) return bio;
  auto state = std::make_unique<SocketState>(SocketState{.fd = fd, .gather_bytes = gather_bytes});
  BIO_set_data(bio.get(), state.release());
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace rb::net
