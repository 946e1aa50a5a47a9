#!/usr/bin/env bash
# The baselines catch planted regressions and mutants, and let fresh seeds pass.
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")" || exit 70
exec python3 tests/full/mutants.py build
