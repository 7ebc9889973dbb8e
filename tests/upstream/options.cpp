#include "tests/upstream/options.h"

#include <functional>
#include <map>

#include "drainer/base/parse_number.h"
#include "tests/upstream/faults.h"

namespace drainer::upstream {

namespace {

Result<int64_t> parse_number(const std::string& text, int64_t least) {
  const auto value = parse_whole<int64_t>(text);
  if (!value || *value < least) {
    return make_error(ErrorCode::kInvalid, "{} is no number from {} on", text, least);
  }
  return *value;
}

Result<void> parse_address(const std::string& text, SimOptions& options) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    return make_error(ErrorCode::kInvalid, "{} is not HOST:PORT", text);
  }
  options.host = text.substr(0, colon);
  ASSIGN_OR_RETURN(const int64_t port, parse_number(text.substr(colon + 1), 0));
  if (port > 65535) return make_error(ErrorCode::kInvalid, "{} is no port", port);
  options.port = static_cast<uint16_t>(port);
  return {};
}

Result<Pace> parse_pace(const std::string& text) {
  if (text == "fast") return Pace{};
  if (text == "recorded") return Pace{.mode = Pace::Mode::kRecorded};
  constexpr std::string_view kRows = "rows:";
  const bool is_rows = text.starts_with(kRows);
  ASSIGN_OR_RETURN(const int64_t rate, parse_number(is_rows ? text.substr(kRows.size()) : text, 1));
  return Pace{.mode = is_rows ? Pace::Mode::kRowRate : Pace::Mode::kRate,
              .per_s = static_cast<double>(rate)};
}

/// PORT:PATH
Result<void> parse_write_back(const std::string& text, SimOptions& options) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos)
    return make_error(ErrorCode::kInvalid, "{} is not PORT:PATH", text);
  ASSIGN_OR_RETURN(const int64_t port, parse_number(text.substr(0, colon), 1));
  if (port > 65535) return make_error(ErrorCode::kInvalid, "{} is no port", port);
  options.write_back = {.binlog_path = text.substr(colon + 1), .port = static_cast<uint16_t>(port)};
  return {};
}

using Setter = std::function<Result<void>(const std::string& value)>;

std::map<std::string, Setter> setters(SimOptions& options) {
  const auto number = [](int64_t least, auto set) {
    return [least, set](const std::string& value) -> Result<void> {
      ASSIGN_OR_RETURN(const int64_t parsed, parse_number(value, least));
      set(parsed);
      return {};
    };
  };
  return {
      {"capture",
       [&](const std::string& value) -> Result<void> {
         options.capture = value;
         return {};
       }},
      {"write-back", [&](const std::string& value) { return parse_write_back(value, options); }},
      {"cluster-id", number(1, [&](int64_t n) { options.cluster_id = static_cast<uint64_t>(n); })},
      {"listen", [&](const std::string& value) { return parse_address(value, options); }},
      {"pumps", number(1, [&](int64_t n) { options.feed.pumps = static_cast<size_t>(n); })},
      {"pace",
       [&](const std::string& value) -> Result<void> {
         ASSIGN_OR_RETURN(options.feed.pace, parse_pace(value));
         return {};
       }},
      {"repeat", number(1, [&](int64_t n) { options.feed.repeat = n; })},
      {"prepare",
       [&](const std::string& value) -> Result<void> {
         if (value != "yes" && value != "no") {
           return make_error(ErrorCode::kInvalid, "{} is neither yes nor no", value);
         }
         options.feed.is_prepared = value == "yes";
         return {};
       }},
      {"fault",
       [&](const std::string& value) -> Result<void> {
         options.faults.push_back(value);
         return {};
       }},
      {"fake-interval-ms",
       number(1, [&](int64_t n) { options.fake_interval = std::chrono::milliseconds(n); })},
      {"regions", number(1, [&](int64_t n) { options.regions = static_cast<size_t>(n); })},
      {"pds", number(1, [&](int64_t n) { options.pds = static_cast<size_t>(n); })},
      {"etcd",
       [&](const std::string& value) -> Result<void> {
         options.etcd = value;
         return {};
       }},
      {"tls-ca",
       [&](const std::string& value) -> Result<void> {
         options.tls.ca = value;
         return {};
       }},
      {"tls-cert",
       [&](const std::string& value) -> Result<void> {
         options.tls.cert = value;
         return {};
       }},
      {"tls-key",
       [&](const std::string& value) -> Result<void> {
         options.tls.key = value;
         return {};
       }},
      {"registry",
       [&](const std::string& value) -> Result<void> {
         if (value != "full" && value != "empty") {
           return make_error(ErrorCode::kInvalid, "{} is neither full nor empty", value);
         }
         options.registers_pumps = value == "full";
         return {};
       }},
      {"history",
       [&](const std::string& value) -> Result<void> {
         if (value != "all" && value != "served") {
           return make_error(ErrorCode::kInvalid, "{} is neither all nor served", value);
         }
         options.history_as_served = value == "served";
         return {};
       }},
  };
}

}  // namespace

Result<SimOptions> parse_options(const std::vector<std::string>& arguments) {
  SimOptions options;
  const auto known = setters(options);
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") {
      options.help = true;
      return options;
    }
    name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
    const size_t equals = name.find('=');
    const auto setter = known.find(name.substr(0, equals));
    if (arguments[i].starts_with("-") && setter != known.end()) {
      if (equals == std::string::npos && i + 1 == arguments.size()) {
        return make_error(ErrorCode::kInvalid, "--{} needs a value", name);
      }
      const std::string value =
          equals == std::string::npos ? arguments[++i] : name.substr(equals + 1);
      auto set = setter->second(value);
      if (!set.ok()) return std::move(set).error().because("--{}", setter->first);
    } else {
      return make_error(ErrorCode::kInvalid, "unknown option {}, see --help", arguments[i]);
    }
  }
  if (options.capture.empty() == !options.write_back) {
    return make_error(ErrorCode::kInvalid, "it takes either --capture or --write-back");
  }
  const bool has_all =
      !options.tls.ca.empty() && !options.tls.cert.empty() && !options.tls.key.empty();
  if (options.tls.is_on() && !has_all) {
    return make_error(ErrorCode::kInvalid, "TLS needs --tls-ca, --tls-cert and --tls-key");
  }
  return options;
}

std::string options_help() {
  return fmt::format(R"(upstream_sim: plays a recorded TiDB cluster to a drainer on real sockets.

  --capture DIR            what to play: capture.json, pump-N.stream[.gz], tikv-meta[.from].kv[.gz]
  --write-back PORT:PATH   instead of --capture: be the cluster of a MariaDB server on 127.0.0.1:PORT
                           (user root, no password) whose first binary log is PATH, such as
                           DATADIR/binlog.000001. What anybody commits there comes as binlogs, DDL as
                           jobs. The server needs --log-bin --binlog-format=ROW
                           --binlog-checksum=NONE --server-id=1; see live_catalog.h for what tables
                           may hold. --pumps is 2 if not given, --pace and --repeat mean nothing
  --cluster-id N           the id of that cluster (default 1)
  --listen HOST:PORT       where PD answers (default 127.0.0.1:0, a free port); TiKV and the pumps
                           take free ports of the same host
  --pumps N                number of pumps (default: as recorded). Any other number: transactions
                           are dealt by start ts, each pump gets the recorded fakes
  --pace fast|recorded|N|rows:N
                           how the pumps come by their records: all are there (default), at the
                           recorded distances, N transactions or N row changes a second; counted
                           from the first PullBinlogs
  --repeat N               play the capture N times: timestamps rise, integer primary keys move on.
                           Later rounds hold only transactions whose tables all have an integer
                           primary key as row handle and no other unique key; no DDL, no fakes
  --prepare yes|no         make the later rounds before the start and keep them in memory, so that
                           they cost no time while something is measured (default no)
  --fault 'FAULT'          arm a fault at the start; may be given several times
  --fake-interval-ms MS    a pump that has been silent so long sends a fake binlog (default 3000)
  --regions N              number of regions of the TiKV store (default 1)
  --history all|served     what TiKV shows at a fresh timestamp: everything (default), or only what
                           the pumps have come to, DDL jobs when their binlog is sent
  --pds N                  members of PD (default 1); the first leads
  --etcd HOST:PORT         the registry lies in this etcd: PD's port forwards etcd's KV calls to it
                           (Watch and Lease are not forwarded)
  --tls-ca FILE --tls-cert FILE --tls-key FILE
                           TLS on every port of gRPC: the stock gRPC server's own, which demands a
                           certificate of the CA from each client. Faults that cut or refuse
                           connections do not work then, those of calls and streams do. HTTP stays
                           plain, on the port that the ready line calls control
  --registry full|empty    whether the pumps are registered in PD's etcd (default full)
  --help

It prints one line `ready pd=HOST:PORT tikv=HOST:PORT pumps=HOST:PORT,… from_ts=… until_ts=…
transactions=… control=HOST:PORT` once all answer, and runs until SIGTERM. Its log goes to standard error.
Start a drainer with initial-commit-ts = from_ts.

On the PD's port, besides PD's own paths:
  PUT /sim/fault?TEXT      arms a fault (or TEXT in the body)
  DELETE /sim/fault        disarms all
  GET /sim/state           records sent per pump, connections, what is armed, as JSON

{})",
                     FaultBoard::help());
}

}  // namespace drainer::upstream
