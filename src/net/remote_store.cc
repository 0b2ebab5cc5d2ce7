#include "net/remote_store.h"

#include <fstream>

#include "api/client_codec.h"
#include "net/remote_session.h"
#include "net/server_link.h"

namespace rb::net {

namespace {

// Of the kernel that runs; another one after each boot, and on each machine.
std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

BeginRequest labelled(BeginRequest wanted) {
  wanted.client_version = RB_VERSION;
  static const std::string id = boot_id();
  wanted.boot_id = id;
  return wanted;
}

class RemoteStore final : public Store {
 public:
  explicit RemoteStore(RemoteOptions options) : link_(std::make_shared<ServerLink>(std::move(options))) {}

  Result<std::unique_ptr<Session>> begin(const BeginRequest& wanted) override {
    const api::Request request = api::begin_request(labelled(wanted));
    Exchange exchange;
    exchange.request = &request;
    exchange.stall = link_->options().stall;
    Cancellation never;
    RB_TRY(const api::Response answer, link_->call(exchange, never));
    RB_TRY(api::BeginAnswer begun, api::parse_begin(answer));
    if (begun.next_key && link_->options().on_next_key) link_->options().on_next_key(*begun.next_key);
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
