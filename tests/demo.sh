#!/usr/bin/env bash
# The main job, small: a recorded TiDB binlog stream, replayed by a simulated cluster, is replicated
# into a private MariaDB; at the end the tables are compared with what TiDB itself held.
#   tests/demo.sh [--keep] [--capture DIR] [--pumps N]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
keep=0 capture=tests/upstream/demo-capture pumps=
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=1 ;;
    --capture) capture=$2; shift ;;
    --pumps) pumps=$2; shift ;;
    *) sed -n '2,4p' "$0"; exit 2 ;;
  esac
  shift
done
source tests/packages.sh
drainer_need_packages

echo "== build (takes some minutes the first time)"
cmake --preset release -DDRAINER_TESTS=ON > /dev/null
cmake --build --preset release --target drainer upstream_sim table_check
bin=$root/build/release/bin
work=$root/build/demo
rm -rf "$work" && mkdir -p "$work"

pids=()
stop_all() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
}
cleanup() {
  if [ "$keep" = 1 ] && [ "${finished:-0}" = 1 ]; then return; fi
  stop_all
  rm -rf "$work/mariadb"
}
trap cleanup EXIT

free_port() {
  local port
  while port=$((10000 + RANDOM % 22000)); do
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
wait_for() {  # wait_for WHAT PID COMMAND…: until the command succeeds or the process has ended
  local what=$1 pid=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || { echo "$what did not start; see $work" >&2; exit 1; }
    read -rt 0.1 <> <(:) || true
  done
}
http_get() {  # http_get PORT PATH
  exec 3<> "/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
  cat <&3
  exec 3>&-
}

echo "== start MariaDB, private, in $work/mariadb"
db_port=$(free_port)
as_root=()
[ "$(id -u)" -eq 0 ] && as_root=(--user=root)
mariadb-install-db --no-defaults "${as_root[@]}" --datadir="$work/mariadb" --auth-root-authentication-method=normal \
  --skip-test-db > "$work/mariadb-install.log" 2>&1
mariadbd --no-defaults "${as_root[@]}" --datadir="$work/mariadb" --port="$db_port" --bind-address=127.0.0.1 \
  --socket="$work/mariadb.sock" --pid-file="$work/mariadb.pid" --sql-mode='' --innodb-flush-log-at-trx-commit=0 \
  --character-set-server=utf8mb4 --collation-server=utf8mb4_bin --lower-case-table-names=0 --skip-log-bin \
  > "$work/mariadb.log" 2>&1 &
pids+=($!)
wait_for MariaDB $! mariadb-admin --no-defaults --socket="$work/mariadb.sock" -uroot ping
mariadb --no-defaults --socket="$work/mariadb.sock" -uroot \
  -e "create user 'dr'@'127.0.0.1' identified by 'demo'; grant all on *.* to 'dr'@'127.0.0.1'"

echo "== start the simulated TiDB cluster with the capture $capture"
sim_args=(--capture "$capture" --listen 127.0.0.1:0)
[ -n "$pumps" ] && sim_args+=(--pumps "$pumps")
"$bin/upstream_sim" "${sim_args[@]}" > "$work/upstream_sim.out" 2> "$work/upstream_sim.log" &
pids+=($!)
wait_for upstream_sim $! grep -q '^ready' "$work/upstream_sim.out"
pd=$(sed -n 's/^ready.* pd=\([^ ]*\).*/\1/p' "$work/upstream_sim.out")
from=$(sed -n 's/.*"from_ts": *"\([0-9]*\)".*/\1/p' "$capture/capture.json")
until=$(sed -n 's/.*"until_ts": *"\([0-9]*\)".*/\1/p' "$capture/capture.json")

port=$(free_port)
cat > "$work/drainer.toml" <<TOML
addr = "127.0.0.1:$port"
pd-urls = "http://$pd"
data-dir = "$work/data"
log-file = "$work/drainer.log"

[syncer]
db-type = "mysql"

[syncer.to]
host = "127.0.0.1"
port = $db_port
user = "dr"
password = "demo"
TOML
if [ -f "$capture/prepare.sql" ]; then
  mariadb --no-defaults --socket="$work/mariadb.sock" -uroot < "$capture/prepare.sql"
fi
echo "== start drainer -config build/demo/drainer.toml -initial-commit-ts $from"
started=$(date +%s%N)
"$bin/drainer" -config "$work/drainer.toml" -initial-commit-ts "$from" -until-commit-ts "$until" \
  > "$work/drainer.out" 2>&1 &
drainer=$!
pids+=("$drainer")

metric() { awk -v name="$1" '$1 == name { printf "%.0f", $2 }' <<< "$page"; }
begin_ms=$((from >> 18)) end_ms=$((until >> 18)) applied_ms=0 rows=0
show_progress() {
  page=$(http_get "$port" /metrics 2> /dev/null || true)
  if [ -n "$page" ]; then
    applied_ms=$(metric drainer_applied_ts_ms)
    rows=$(metric drainer_applied_rows_total)
  fi
  [ "${applied_ms:-0}" -lt "$begin_ms" ] && applied_ms=$begin_ms
  local elapsed_ms=$((($(date +%s%N) - started) / 1000000 + 1))
  local left_ms=$((end_ms - applied_ms))
  [ "$left_ms" -lt 0 ] && left_ms=0
  printf '\r   commit ts %s  %3d %%  %d rows  %d rows/s  %d ms of the stream to go   ' \
    $((applied_ms << 18)) $((100 - left_ms * 100 / (end_ms - begin_ms))) "${rows:-0}" \
    $((${rows:-0} * 1000 / elapsed_ms)) "$left_ms"
}
while kill -0 "$drainer" 2> /dev/null; do
  show_progress
  read -rt 0.2 <> <(:) || true
done
elapsed_ms=$((($(date +%s%N) - started) / 1000000))
echo
if ! wait "$drainer"; then
  echo "drainer has failed:"
  grep -h -E '^drainer:|\[ERROR\]|\[FATAL\]' "$work/drainer.out" "$work/drainer.log" | tail -5
  exit 1
fi
rows=$(sed -n 's/.*"applied in this run".*\[rows=\([0-9]*\)\].*/\1/p' "$work/drainer.log" | tail -1)
echo "== drainer has reached the end and stopped in order, all saved"
echo "== compare the tables with TiDB's own"
if verdict=$("$bin/table_check" 127.0.0.1 "$db_port" dr demo "$capture/expected.tables.gz"); then
  echo "OK, $verdict; $rows row changes in $elapsed_ms ms ($((rows * 1000 / elapsed_ms)) rows/s)"
  status=0
else
  echo "DIFFERENT:"
  echo "$verdict"
  status=1
fi
finished=1
if [ "$keep" = 1 ]; then
  "$bin/drainer" -config "$work/drainer.toml" > "$work/drainer.out" 2>&1 &
  pids+=($!)
  cat <<LOOK
Everything still runs. Look around:
  mariadb --socket=$work/mariadb.sock -uroot          # the replicated tables, and tidb_binlog.checkpoint
  curl http://127.0.0.1:$port/status                  # drainer; also /metrics
  curl http://$pd/pd/api/v1/members                   # the simulated PD
  tail -f $work/drainer.log
  kill ${pids[*]}                                     # the end
LOOK
elif [ "$status" = 0 ]; then
  echo "Next: 'tests/demo.sh --keep' leaves all running to look around; for a cluster of your own begin with drainer.toml.example."
fi
exit $status
