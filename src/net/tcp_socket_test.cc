#include "net/tcp_socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "support/raw_socket.h"

namespace rb::net {
namespace {

void check(const std::string& text, const std::string& host, const std::string& port) {
  const auto parsed = parse_host_port(text);
  ASSERT_TRUE(parsed) << text;
  EXPECT_EQ(parsed->host, host) << text;
  EXPECT_EQ(parsed->port, port) << text;
}

TEST(TcpSocketTest, AddressesAreRead) {
  check("192.0.2.7:8420", "192.0.2.7", "8420");
  check("[2001:db8::7]:443", "2001:db8::7", "443");
  check("[fe80::1%eth0]:1", "fe80::1%eth0", "1");
  check("backup.example:0", "backup.example", "0");
  check(":8420", "", "8420");
  check("*:8420", "*", "8420");
}

TEST(TcpSocketTest, WhatIsNoAddressIsRefused) {
  for (const char* text :
       {"", "host", "host:", "host:x", "host:65536", "host:123456", "2001:db8::7", "[::1]", "[host]:1",
        "user@host:1", "host/path:1", "ho st:1", "host?:1", "host#:1", "h:-1"}) {
    const auto parsed = parse_host_port(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument) << text;
  }
}

TEST(TcpSocketTest, ListeningSaysWhichPortItTook) {
  const auto sockets = listen_on_tcp("127.0.0.1:0");
  ASSERT_TRUE(sockets) << sockets.error().message;
  ASSERT_EQ(sockets->size(), 1u);
  const auto address = local_address(sockets->front().get());
  ASSERT_TRUE(address);
  const auto split = parse_host_port(*address);
  ASSERT_TRUE(split);
  EXPECT_EQ(split->host, "127.0.0.1");
  EXPECT_NE(split->port, "0");
  const auto second = listen_on_tcp(*address);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sys_errno, EADDRINUSE);
}

TEST(TcpSocketTest, BothKindsStandSideBySideOnOnePort) {
  const auto v6 = listen_on_tcp("[::1]:0");
  if (!v6) GTEST_SKIP() << "no IPv6 here: " << v6.error().message;
  const auto address = local_address(v6->front().get());
  ASSERT_TRUE(address);
  EXPECT_TRUE(address->starts_with("[::1]:")) << *address;
  EXPECT_TRUE(listen_on_tcp("127.0.0.1" + address->substr(address->rfind(':'))));
}

TEST(TcpSocketTest, APeerIsNamedByItsAddressAndHeardOf) {
  const auto sockets = listen_on_tcp("127.0.0.1:0");
  ASSERT_TRUE(sockets);
  const std::string address = *local_address(sockets->front().get());
  const test::RawClient client(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(*peer_host(client.fd()), "127.0.0.1");
  tune_tcp(client.fd(), std::chrono::seconds(30));
  EXPECT_LT(silence_of_tcp_peer(client.fd()), std::chrono::seconds(10));
  EXPECT_EQ(silence_of_tcp_peer(-1).count(), 0);
}

}  // namespace
}  // namespace rb::net
