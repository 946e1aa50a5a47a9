#!/usr/bin/env bash
# The sweep's test of kills at random moments, 150 of them: nothing is lost, nobody is left over, the
# weights are those of a sweep that was let alone.
#   tests/full/kills.sh [BUILD_FOLDER]
set -euo pipefail
build=${1:-build}
RN_KILLS=150 meson test -C "$build" --no-rebuild --timeout-multiplier 10 --print-errorlogs sweep
