#!/usr/bin/env bash
# The tests of the CUDA device find the bugs that are planted in it; no card is needed.
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")" || exit 70
exec python3 tests/full/cuda_mutants.py build
