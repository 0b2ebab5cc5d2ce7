#include "daemon/config.h"

namespace rb::daemon {

namespace {

// A line that begins with '#' and no space is a setting with its default: a test takes the '#' away.
constexpr std::string_view kText =
    R"(# rbbackupd's settings for this repository. Each is shown with its default; take away the '#' to change it.
# The command line wins over this file. What a running server takes over on SIGHUP ("systemctl reload rbbackupd")
# is marked (*); the rest waits for its next start. "rbbackupd DIR config" prints this text again.

# TCP addresses to listen at, with TLS 1.3: ["0.0.0.0:8420", "[::]:8420"] is all of this machine's. None: only
# users of this machine can make backups.
#listen = []

# The Unix socket for users of this machine. Without the setting: /run/rbbackupd.sock for root's server,
# $XDG_RUNTIME_DIR/rbbackupd.sock for a user's own.
# socket = "/run/rbbackupd.sock"

# HOST:PORT by which other machines reach this one, for the links of "rbbackupd DIR invite". Without the setting:
# this machine's name and the first port of 'listen'. (*)
# public_address = "backup.example.org:8420"

# Clients at work at a time; the others wait their turn.
#max_clients = 1000

# A client that is not heard of for so long has to begin again. It sends nothing twice.
#lease = "5m"

# A certificate and a key of your own (PEM). Without them the server makes its own, in DIR/tls. What the files hold
# is read again on SIGHUP (*). Clients pin the key: a new certificate for the same key is fine, for another key see
# "rbbackupd DIR new-key".
# [tls]
# certificate = "/etc/ssl/backup.pem"
# key = "/etc/ssl/private/backup.key"

[limits]
# Network connections in all, and of one node.
#connections = 20000
#connections_per_node = 64

# Clients at work at a time, of one node.
#sessions_per_node = 64

# What may go over all connections together, and over those of one node, such as "20 MiB/s". "0": no limit.
#bandwidth = "0"
#node_bandwidth = "0"

# So much stays free on the disk: below it nothing is stored, and 'status', the log and /healthz say so, until there
# is room again. 'reserve' is a file of that size, which garbage collection gives up on a full disk. Of a small disk
# at most a thirty-second part each. "0": none.
[space]
#keep_free = "64 MiB"
#reserve = "64 MiB"

# How much a node may have, such as "500 GiB": 'stored' counts what it sent, compressed; 'logical' the files of its
# current copy. "0": no limit. (*)
[quota]
#stored = "0"
#logical = "0"

# Other quotas for one node, by its name. (*)
# [node.ana-laptop]
# stored = "1 TiB"

# How the server looks after what it stores. (*)
[care]
# Parity beside each pack, in percent of its size (0 to 20): so much damage of the disk can be corrected. 0: none.
#parity_percent = 5
# Each pack is read again after so long, a share each day, and corrected where need be. "0": never.
#scrub_period = "30d"
# What may be read for that, such as "50 MiB/s". "0": no limit.
#scrub_rate = "0"

# Which snapshots stay when the server prunes (docs/retention.md). Each rule counts for itself, and what any of them
# keeps stays: the last N; the newest of each of the last N hours, days, weeks, months or years in which there are
# snapshots ("all": without end); all as young as 'keep_within', counted back from the node's newest. The newest and
# pinned ones always stay, and so does all that is younger than 'floor', however many come after it. While no keep_
# rule is above zero everything stays. (*)
[retention]
#keep_last = 0
#keep_hourly = 0
#keep_daily = 0
#keep_weekly = 0
#keep_monthly = 0
#keep_yearly = 0
#keep_within = "0h"
#floor = "7d"

# A deleted snapshot can be undeleted for at least so long, until a garbage collection after that. (*)
#undelete_for = "14d"

# How often a running server prunes; "0": only at "rbbackupd DIR prune". (*)
#prune_every = "1d"

# Other rules for one node, by its name; what is not said here is as above. (*)
# [node.ana-laptop.retention]
# keep_daily = 30

# How often a running server collects garbage, which gives back what no snapshot needs any more: after prunings,
# backups that came to nothing, and deletions. "0": only at "rbbackupd DIR gc". (*)
[gc]
#every = "1d"

[log]
# debug, info, warning or error. (*)
#level = "info"
# text or json (one object a line).
#format = "text"
)";

}  // namespace

std::string default_config_text() {
  return std::string(kText);
}

}  // namespace rb::daemon
