#include "net/remote_key.h"

#include "api/service.h"
#include "net/server_link.h"

namespace rb::net {

Result<bool> server_has_key(const std::string& address, const api::KeyPin& pin) {
  RemoteOptions options;
  options.address = address;
  options.pins = {pin};
  ServerLink server(std::move(options));
  const api::Request request{.method = "GET", .target = "/v1/server"};
  Exchange exchange;
  exchange.request = &request;
  exchange.total = std::chrono::seconds(20);
  ServerLink::Failures failures;
  const Result<api::Response> answer = server.attempt(exchange, failures);
  if (answer) return true;
  if (answer.error().code == Errc::denied) return false;
  return std::unexpected(answer.error());
}

}  // namespace rb::net
