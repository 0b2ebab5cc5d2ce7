// rbbackup [-h | -rd] PATH...
#include <algorithm>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backup/backup.h"
#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/interrupt.h"
#include "cli/json_values.h"
#include "cli/load_limits.h"
#include "cli/locations.h"
#include "cli/path_report.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kBackupHelp =
    R"(rbbackup: backs up files and directories to a server, moving only what changed.

  rbbackup [-h | -rd] PATH...     back up
      -r               a directory with all beneath it; without it, only the files directly in it
      -d               what is gone here leaves the current copy too (older snapshots keep it)
      -n, --dry-run    compare and report; send and change nothing
      --exclude PATTERN, --exclude-from FILE, --exclude-caches    leave out (PATTERN: '*.o', '/var/tmp', 'build/')
      -x               stay in the file system of PATH
      --checksum       read every file, trust no time stamp
      --recheck SIZE   re-read that much of the unchanged files, at most once a day (default 256M; 0: never)
      --force          let -d remove what looks like an accident
      --compression C  auto (harder while the network is what takes the time), off, or a zstd level 1..19
      --bwlimit RATE   at most RATE bytes a second to and from the server (500K, 2M)
      --cpu-limit N    at most N threads, and other programs first
      --server ADDR    unix:PATH, https://HOST:PORT or file:DIR (else $RBBACKUP_SERVER, else the server
                       that was joined, else this machine's)
      --json, -q, -v   JSON lines; silence; name every path that changed

  rbbackup log [PATH]             snapshots, or those in which PATH changed
  rbbackup ls [-r] [PATH]         what the copy holds          (--at WHEN: what it held then)
  rbbackup cat PATH               a file's content
  rbbackup diff [PATH] --from WHEN [--to WHEN]
  rbbackup restore PATH... [--at WHEN] [--to DIR] [--overwrite] [--exact]
  rbbackup verify [PATH...]       compare files with their copy, and read a sample of it back
  rbbackup forget PATH            a new snapshot without it
  rbbackup pin SNAPSHOT           keep a snapshot whatever the server's rules say; unpin: no more
  rbbackup status                 the server and this node
  rbbackup join LINK              become a node of the server whose 'rbbackupd DIR invite NODE' printed the link
  rbbackup COMMAND -h             more about a command

WHEN: a snapshot's id, latest, 2026-11-01, '2026-11-01 14:30', '3 days ago'.
Exit status: 0 done, 1 failed (nothing committed), 2 usage, 3 done but some files could not be read or written,
             4 the server can't be reached or refused, 130 interrupted.

Examples:
  rbbackup -rd ~/documents        the whole directory; the copy becomes exactly what is there now
  rbbackup restore ~/documents/plan.txt --at '3 days ago' --to /tmp
)";

struct BackupArguments {
  CommonOptions common;
  BackupOptions backup;
  std::vector<std::string> excludes, exclude_files;
  std::string recheck, compression = "auto";
  LoadLimits limits;
};

void add_options(CLI::App& app, BackupArguments& a) {
  add_common_options(app, a.common);
  app.add_flag("-r,--recursive", a.backup.recursive);
  app.add_flag("-d,--delete", a.backup.remove_absent);
  app.add_flag("-n,--dry-run", a.backup.dry_run);
  app.add_flag("-x,--one-file-system", a.backup.one_file_system);
  app.add_flag("--checksum", a.backup.checksum);
  app.add_flag("--force", a.backup.force);
  app.add_flag("--exclude-caches", a.backup.exclude_caches);
  app.add_option("--exclude", a.excludes)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--exclude-from", a.exclude_files)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--recheck", a.recheck);
  app.add_option("--compression", a.compression);
  add_load_limits(app, a.limits);
  app.add_option("PATH", a.backup.paths)->required();
}

// "auto", "off", "1" ... "19".
Result<Compression> parse_compression(const std::string& text) {
  if (text == "auto") return Compression{};
  if (text == "off") return Compression{.off = true};
  const bool is_number = !text.empty() && text.size() <= 2 &&
                         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const int level = is_number ? std::stoi(text) : 0;
  if (level < 1 || level > 19) {
    return fail(Errc::invalid_argument,
                fmt::format("--compression {}: write auto, off or a level from 1 to 19", text));
  }
  return Compression{.level = level};
}

Status complete(BackupArguments& a) {
  for (const std::string& pattern : a.excludes)
    RB_TRY(a.backup.excludes.add(pattern));
  for (const std::string& file : a.exclude_files)
    RB_TRY(a.backup.excludes.add_from_file(file));
  if (!a.recheck.empty()) {
    RB_TRY(a.backup.recheck_bytes, parse_size(a.recheck));
  }
  RB_TRY(a.backup.compression, parse_compression(a.compression));
  RB_TRY(a.limits.apply());
  a.backup.threads = a.limits.threads;
  a.backup.cache_directory = cache_directory();
  char host[256] = "";
  if (::gethostname(host, sizeof host - 1) == 0) a.backup.host = host;
  return {};
}

BackupEvents events_for(Terminal& terminal) {
  BackupEvents events;
  if (terminal.verbosity() == Verbosity::verbose) {
    events.on_path = [&](const std::string& path, PathOutcome outcome, std::uint64_t bytes) {
      if (!terminal.json())
        return terminal.result(fmt::format("{:<9} {}", to_string(outcome), printable(path)));
      nlohmann::json line = {{"type", "path"}, {"outcome", to_string(outcome)}, {"size", bytes}};
      set_path(line, path);
      terminal.object(line);
    };
  }
  events.on_failure = [&](const std::string& path, const std::string& why) {
    report_path(terminal, PathMatter::failure, path, why);
  };
  events.on_warning = [&](const std::string& path, const std::string& what) {
    report_path(terminal, PathMatter::warning, path, what);
  };
  events.on_notice = [&](const std::string& text) { terminal.note(text); };
  return events;
}

// Rates and time left for the progress line; the clock is the caller's.
class ProgressText {
 public:
  explicit ProgressText(const Clock& clock) : clock_(clock), start_(clock.monotonic()) {}

  std::string line(const BackupProgress& p) const {
    const double seconds = std::chrono::duration<double>(clock_.monotonic() - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(p.counts.bytes_read) / seconds : 0;
    std::string text = fmt::format("{} files, {} read, {} sent, {}/s", grouped(p.files_seen),
                                   human_bytes(p.counts.bytes_read), human_bytes(p.counts.bytes_sent),
                                   human_bytes(static_cast<std::uint64_t>(rate)));
    if (p.files_expected > p.files_seen && p.files_seen > 0) {
      const double left =
          seconds * static_cast<double>(p.files_expected - p.files_seen) / static_cast<double>(p.files_seen);
      text += fmt::format(", about {} left", human_seconds(left));
    }
    return fmt::format("{}  {}", text, printable(p.current_path));
  }

 private:
  const Clock& clock_;
  const std::chrono::nanoseconds start_;
};

nlohmann::json progress_json(const BackupProgress& p) {
  nlohmann::json line = counts_json(p.counts);
  line["type"] = "progress";
  line["files"] = p.files_seen;
  line["files_expected"] = p.files_expected;
  set_path(line, p.current_path);
  return line;
}

void summarise(Terminal& terminal, const BackupReport& report, bool dry_run) {
  const SnapshotCounts& c = report.counts;
  if (terminal.json()) {
    nlohmann::json line = counts_json(c);
    line["type"] = "summary";
    line["snapshot"] =
        report.snapshot ? nlohmann::json(to_hex(report.snapshot->id)) : nlohmann::json(nullptr);
    line["dry_run"] = dry_run;
    line["merged"] = report.merged;
    line["warnings"] = report.warnings;
    line["incomplete"] = report.incomplete;
    line["seconds"] = report.seconds;
    return terminal.object(line);
  }
  if (terminal.verbosity() == Verbosity::quiet) return;
  terminal.result(fmt::format("{} new, {} changed, {} unchanged, {} removed, {} failed", grouped(c.created),
                              grouped(c.changed), grouped(c.unchanged), grouped(c.removed),
                              grouped(c.failed)));
  terminal.result(fmt::format("{} read, {} new data, {} sent, {}", human_bytes(c.bytes_read),
                              human_bytes(c.bytes_new), human_bytes(c.bytes_sent),
                              human_seconds(report.seconds)));
  if (report.snapshot) {
    terminal.result(fmt::format("snapshot {}{}", to_hex(report.snapshot->id).substr(0, 12),
                                report.merged ? " (merged with another run's)" : ""));
  } else if (dry_run) {
    terminal.result("dry run: nothing was sent or changed");
  }
}

// Directories stay open on the way down, so deep trees need many descriptors.
void allow_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

int cmd_backup(Arguments arguments) {
  BackupArguments a;
  CLI::App app;
  add_options(app, a);
  if (arguments.empty()) {
    fmt::print(stderr, "usage: rbbackup [-h | -rd] PATH...\nTry 'rbbackup -h'.\n");
    return kUsage;
  }
  if (const auto status = parse(app, std::move(arguments), kBackupHelp)) return *status;
  Terminal terminal(a.common.verbosity(), a.common.json);
  if (const Status completed = complete(a); !completed) {
    terminal.error(completed.error().message);
    return kUsage;
  }
  block_interrupts();
  allow_open_files();
  auto connection = connect(
      a.common.server, [&](const std::string& text) { terminal.note(text); }, a.limits.bytes_per_second);
  if (!connection) return report(terminal, connection.error());

  const SystemClock clock;
  const bool dry_run = a.backup.dry_run;
  BackupRun run(*connection->store, std::move(a.backup), events_for(terminal), clock);
  Result<BackupReport> result = fail(Errc::cancelled, "interrupted");
  {
    const InterruptGuard guard([&] { run.cancel(); });
    const ProgressText text(clock);
    const auto ticker = terminal.start_progress([&] { return text.line(run.progress()); },
                                                [&] { return progress_json(run.progress()); });
    result = run.run();
  }
  if (!result) return report(terminal, result.error());
  summarise(terminal, *result, dry_run);
  if (!terminal.finish()) return kFailed;
  return result->incomplete ? kIncomplete : kDone;
}

}  // namespace rb::cli
