# Sourced by the scripts beside it: makes sure that Debian's packages are there.
# As root it installs what is missing; as another user it names the command to run.

drainer_packages=(
  g++ cmake ninja-build pkg-config mold
  libboost-dev libprotobuf-dev protobuf-compiler libnghttp2-dev libssl-dev zlib1g-dev
  libmysqlcppconn-dev librdkafka-dev libtomlplusplus-dev libspdlog-dev libfmt-dev
  rapidjson-dev libre2-dev catch2
  libgrpc++-dev protobuf-compiler-grpc mariadb-server etcd-server openssl
)

drainer_need_packages() {
  local missing=() package
  for package in "${drainer_packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "Some packages are missing. Please run:" >&2
    echo "  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    return 1
  fi
  echo "installing: ${missing[*]}"
  # Database servers are started by the tests, privately; the packages must not start theirs.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' RETURN
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    > /tmp/drainer-packages.log 2>&1 || { tail -20 /tmp/drainer-packages.log >&2; return 1; }
}
