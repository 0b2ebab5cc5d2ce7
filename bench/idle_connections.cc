// Holds many idle TLS connections to a server, on this one thread: each makes its handshake, and then says
// nothing.
//
//   idle_connections ADDR PORT COUNT
//
// Writes a line "held N" when all are made; on end of its standard input it says how many the server has
// closed meanwhile, and ends. The certificate is not looked at: nothing is asked or told.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Connection {
  int fd = -1;
  SSL* ssl = nullptr;
};

void raise_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Nothing where the server refuses.
Connection connect_once(SSL_CTX* context, const sockaddr_in& server) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  SSL* const ssl = SSL_new(context);
  const bool done = ::connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0 &&
                    SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1;
  if (done) return {fd, ssl};
  SSL_free(ssl);
  ::close(fd);
  return {};
}

// Whether the other end has gone. TLS 1.3 sends tickets after the handshake, so that there is something to
// read on a living connection too.
bool is_closed(const Connection& connection) {
  char bytes[16384];
  for (;;) {
    const ssize_t n = ::recv(connection.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0) return true;
    if (n < 0) return errno != EAGAIN;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: idle_connections ADDR PORT COUNT\n");
    return 2;
  }
  raise_limit();
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
  if (::inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) return 2;
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  std::vector<Connection> held;
  for (int i = 0, count = std::atoi(argv[3]); i < count; ++i) {
    const Connection connection = connect_once(context, server);
    if (connection.fd >= 0) held.push_back(connection);
  }
  std::printf("held %zu\n", held.size());
  std::fflush(stdout);
  while (std::getchar() != EOF)
    continue;
  std::size_t closed = 0;
  for (const Connection& connection : held)
    closed += is_closed(connection);
  std::printf("closed %zu\n", closed);
  return 0;  // the kernel closes the rest
}
