// A configuration file. Whatever it holds is refused with a line for each mistake, or is a configuration
// whose values are within their bounds.
//
// Layers: base format store repository check gc api net daemon
#include "daemon/config.h"
#include "format/pack_parity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rb;
  using namespace rb::daemon;
  const auto config = parse_config(as_text(ByteView(data, size)), "config.toml");
  if (!config) {
    RB_ASSERT(config.error().code == Errc::invalid_argument);
    RB_ASSERT(config.error().message.starts_with("config.toml:"));
    return 0;
  }
  RB_ASSERT(config->max_clients >= 1 && config->max_clients <= kMaxClientsLimit);
  RB_ASSERT(config->parity_percent <= kParityPercentMax);
  RB_ASSERT(config->lease >= std::chrono::seconds(10) && config->lease <= std::chrono::hours(24));
  RB_ASSERT(config->prune_every.count() >= 0 && config->prune_every <= std::chrono::hours(24 * 31));
  RB_ASSERT(config->collect_every.count() >= 0 && config->collect_every <= std::chrono::hours(24 * 31));
  RB_ASSERT(config->scrub_period.count() >= 0);
  RB_ASSERT(config->tls_certificate.empty() == config->tls_key.empty());
  RB_ASSERT(is_log_level(config->log_level));
  return 0;
}
