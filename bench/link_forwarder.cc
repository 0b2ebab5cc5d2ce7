// A long link between two network namespaces: a TUN device in each, and this program between them, which
// holds every packet back for a time, lets through so many bytes a second, and has a buffer of bounded size,
// as a router has. Loss is nftables' business (bench/longlink.py). This kernel has no netem.
//
//   link_forwarder NAMESPACE-A NAMESPACE-B DELAY-MS MBIT BUFFER-KIB
//
// Makes the device "link0" in both, writes a line "ready" and works until SIGTERM or SIGINT; then says how
// many packets went each way, and how many the buffer had no room for.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t kMaxPacketBytes = 65536;
// Packets taken from one device before the other is looked at.
constexpr int kBurst = 64;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "link_forwarder: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

std::atomic<bool> stopping = false;

struct LinkOptions {
  nanoseconds delay{};
  double bytes_per_second = 0;
  double buffer_bytes = 0;
};

// One way: from the device that is read to the one that is written. Bytes leave at the rate of the link, and
// arrive a delay later.
class Direction {
 public:
  Direction(int from, int to, const LinkOptions& options) : from_(from), to_(to), options_(options) {}

  void take_in(Clock::time_point now) {
    for (int i = 0; i < kBurst; ++i) {
      const ssize_t n = ::read(from_, packet_.data(), packet_.size());
      if (n <= 0) return;
      enqueue(std::vector<char>(packet_.begin(), packet_.begin() + n), now);
    }
  }
  void let_out(Clock::time_point now) {
    while (!queue_.empty() && queue_.front().arrives <= now) {
      const std::vector<char>& bytes = queue_.front().bytes;
      // A device that takes nothing has a full queue of its own: lost there, as on a real one.
      if (::write(to_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) ++passed_;
      queue_.pop_front();
    }
  }
  std::optional<Clock::time_point> next() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.front().arrives);
  }
  unsigned long passed() const { return passed_; }
  unsigned long dropped() const { return dropped_; }

 private:
  struct Packet {
    Clock::time_point arrives;
    std::vector<char> bytes;
  };

  void enqueue(std::vector<char> bytes, Clock::time_point now) {
    line_free_ = std::max(line_free_, now);
    const double waiting =
        std::chrono::duration<double>(line_free_ - now).count() * options_.bytes_per_second;
    if (waiting + static_cast<double>(bytes.size()) > options_.buffer_bytes) {
      ++dropped_;
      return;
    }
    const double seconds = static_cast<double>(bytes.size()) / options_.bytes_per_second;
    line_free_ += nanoseconds(static_cast<long>(seconds * 1e9));
    queue_.push_back({line_free_ + options_.delay, std::move(bytes)});
  }

  const int from_, to_;
  const LinkOptions options_;
  std::array<char, kMaxPacketBytes> packet_{};
  std::deque<Packet> queue_;  // bounded by the buffer and what fits on the line
  Clock::time_point line_free_;
  unsigned long passed_ = 0, dropped_ = 0;
};

int open_device(const std::string& netns) {
  const int space = ::open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0) die("namespace " + netns);
  if (::setns(space, CLONE_NEWNET) != 0) die("entering " + netns);
  ::close(space);
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) die("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, "link0", IFNAMSIZ - 1);
  if (::ioctl(fd, TUNSETIFF, &request) != 0) die("making the device in " + netns);
  return fd;
}

void forward(int a, int b, const LinkOptions& options) {
  std::array<Direction, 2> ways{Direction(a, b, options), Direction(b, a, options)};
  while (!stopping) {
    Clock::time_point now = Clock::now();
    for (Direction& way : ways)
      way.let_out(now);
    nanoseconds wait = std::chrono::seconds(1);
    for (const Direction& way : ways)
      if (way.next()) wait = std::clamp<nanoseconds>(*way.next() - now, nanoseconds(0), wait);
    const timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
    pollfd devices[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    if (::ppoll(devices, 2, &timeout, nullptr) < 0 && errno != EINTR) die("poll");
    now = Clock::now();
    for (std::size_t i = 0; i < 2; ++i)
      if (devices[i].revents != 0) ways[i].take_in(now);
  }
  std::printf("there %lu passed %lu dropped, back %lu passed %lu dropped\n", ways[0].passed(),
              ways[0].dropped(), ways[1].passed(), ways[1].dropped());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: link_forwarder NAMESPACE-A NAMESPACE-B DELAY-MS MBIT BUFFER-KIB\n");
    return 2;
  }
  LinkOptions options;
  options.delay = std::chrono::milliseconds(std::atol(argv[3]));
  options.bytes_per_second = std::atof(argv[4]) * 1e6 / 8;
  options.buffer_bytes = std::atof(argv[5]) * 1024;
  const int a = open_device(argv[1]), b = open_device(argv[2]);
  for (const int signal : {SIGTERM, SIGINT})
    ::signal(signal, [](int) { stopping = true; });
  // A line does not wait for a processor; where this is not allowed, it does.
  const sched_param priority{1};
  ::sched_setscheduler(0, SCHED_FIFO, &priority);
  std::printf("ready\n");
  std::fflush(stdout);
  forward(a, b, options);
  return 0;
}
