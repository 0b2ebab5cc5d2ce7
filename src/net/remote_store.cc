#include "net/remote_store.h"

#include "api/client_codec.h"
#include "net/remote_session.h"
#include "net/server_link.h"

namespace rb::net {

namespace {

class RemoteStore final : public Store {
 public:
  explicit RemoteStore(RemoteOptions options) : link_(std::make_shared<ServerLink>(std::move(options))) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& wanted) override {
    const api::Request request = api::begin_request(wanted);
    Exchange exchange;
    exchange.request = &request;
    exchange.stall = link_->options().stall;
    Cancellation never;
    RB_TRY(const api::Response answer, link_->call(exchange, never));
    RB_TRY(api::BeginAnswer begun, api::parse_begin(answer));
    return std::make_unique<RemoteSession>(link_, wanted.run, std::move(begun));
  }

 private:
  const std::shared_ptr<ServerLink> link_;
};

}  // namespace

std::unique_ptr<Store> make_remote_store(RemoteOptions options) {
  return std::make_unique<RemoteStore>(std::move(options));
}

}  // namespace rb::net
