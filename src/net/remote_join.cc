#include "net/remote_join.h"

#include "api/client_codec.h"
#include "net/server_link.h"

namespace rb::net {

Result<JoinAnswer> remote_join(const api::JoinLink& link, const Credential& credential, RemoteOptions base) {
  base.socket_path.clear();
  base.address = link.address;
  base.pins = {link.pin};
  base.credential.reset();
  ServerLink server(std::move(base));
  const api::Request request = api::join_request(JoinRequest{link.invitation, credential});
  Exchange exchange;
  exchange.request = &request;
  exchange.stall = server.options().stall;
  Cancellation never;
  RB_TRY(const api::Response answer, server.call(exchange, never));
  return api::parse_join(answer);
}

}  // namespace rb::net
