#include "net/tcp_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/log.h"

namespace rb::net {

namespace {

constexpr int kProbeAfterSeconds = 15;
constexpr int kProbeEverySeconds = 5;
constexpr int kProbes = 4;

struct AddressesFree {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesFree>;

Result<Addresses> addresses_to_listen_on(const HostPort& where, const std::string& text) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const bool is_any = where.host.empty() || where.host == "*";
  addrinfo* list = nullptr;
  const int problem = ::getaddrinfo(is_any ? nullptr : where.host.c_str(), where.port.c_str(), &hints, &list);
  if (problem != 0) {
    return fail(Errc::invalid_argument,
                fmt::format("can't listen on '{}': {}", text, ::gai_strerror(problem)));
  }
  return Addresses(list);
}

bool switch_on(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

Result<UniqueFd> listen_at(const addrinfo& where) {
  UniqueFd fd(::socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, where.ai_protocol));
  if (!fd) return fail_errno("making a socket", errno);
  // A server that restarts finds connections of its predecessor lingering on its port.
  if (!switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR)) return fail_errno("setting up a socket", errno);
  if (where.ai_family == AF_INET6 && !switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY))
    return fail_errno("setting up a socket", errno);
  if (::bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0) return fail_errno("binding", errno);
  if (::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("listening", errno);
  return fd;
}

std::string text_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return text;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  const std::string_view view(text);
  const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
  return std::string(is_mapped ? view.substr(view.rfind(':') + 1) : view);
}

Status check_family(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET || address.ss_family == AF_INET6) return {};
  return fail(Errc::invalid_argument, "the socket is none of TCP");
}

void set_number(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0)
    log(LogLevel::debug, "setting option {} of a TCP socket: {}", option, std::strerror(errno));
}

}  // namespace

Result<HostPort> parse_host_port(const std::string& text) {
  const auto refuse = [&] {
    return fail(Errc::invalid_argument, fmt::format("'{}' is no ADDR:PORT or [ADDR]:PORT", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refuse();
  HostPort out{text.substr(0, colon), text.substr(colon + 1)};
  const bool is_number = !out.port.empty() && out.port.size() <= 5 &&
                         std::ranges::all_of(out.port, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || std::stoi(out.port) > 65535) return refuse();
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
    if (out.host.find(':') == std::string::npos) return refuse();
  } else if (out.host.find(':') != std::string::npos) {
    return refuse();  // an IPv6 address whose last group would pass for a port
  }
  const bool is_clean = std::ranges::all_of(out.host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::strchr(".-_:%*", c) != nullptr;
  });
  if (!is_clean) return refuse();
  return out;
}

std::string to_text(const HostPort& where) {
  const bool is_ipv6 = where.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", where.host, where.port) : where.host + ":" + where.port;
}

Result<std::vector<UniqueFd>> listen_on_tcp(const std::string& address) {
  RB_TRY(const HostPort where, parse_host_port(address));
  RB_TRY(const Addresses found, addresses_to_listen_on(where, address));
  std::vector<UniqueFd> sockets;
  Error last(Errc::invalid_argument, "it has no address");
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    Result<UniqueFd> fd = listen_at(*at);
    if (fd) {
      sockets.push_back(std::move(*fd));
      continue;
    }
    last = std::move(fd).error();
    if (last.sys_errno != EAFNOSUPPORT && last.sys_errno != EADDRNOTAVAIL) {
      return std::unexpected(last.with(fmt::format("listening on {}", address)));
    }
  }
  // A machine without IPv6 has "localhost" and "*" all the same.
  if (sockets.empty()) return std::unexpected(last.with(fmt::format("listening on {}", address)));
  return sockets;
}

Result<std::string> local_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail_errno("asking for a socket's address", errno);
  RB_TRY(check_family(address));
  in_port_t port = 0;  // stands at the same place in both
  std::memcpy(&port, reinterpret_cast<const char*>(&address) + offsetof(sockaddr_in, sin_port), sizeof port);
  if (address.ss_family == AF_INET) return fmt::format("{}:{}", text_of(address), ntohs(port));
  return fmt::format("[{}]:{}", text_of(address), ntohs(port));
}

Result<std::string> peer_host(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail_errno("asking who connects", errno);
  RB_TRY(check_family(address));
  return text_of(address);
}

void tune_tcp(int fd, std::chrono::milliseconds unacknowledged) {
  set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfterSeconds);
  set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeEverySeconds);
  set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(unacknowledged.count()));
}

std::chrono::milliseconds silence_of_tcp_peer(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  if (info.tcpi_state != TCP_ESTABLISHED) return {};
  return std::chrono::milliseconds(std::min(info.tcpi_last_ack_recv, info.tcpi_last_data_recv));
}

}  // namespace rb::net
