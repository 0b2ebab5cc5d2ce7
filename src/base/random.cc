#include "base/random.h"

#include <cerrno>

#include <sys/random.h>

#include "base/error.h"

namespace rb {

void fill_random(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::getrandom(out.data() + done, out.size() - done, 0);
    RB_ASSERT(n > 0 || errno == EINTR);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

}  // namespace rb
