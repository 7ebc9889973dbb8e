#!/usr/bin/env bash
# Builds everything and runs all tests: tests/run.sh [PRESET], default dev. Others: release, asan, tsan, tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/packages.sh
drainer_need_packages

preset=${1:-dev}
echo "== build ($preset)"
cmake --preset "$preset" > /dev/null
cmake --build --preset "$preset"
echo "== test ($preset)"
ctest --preset "$preset"
