#!/usr/bin/env bash
# A run as TensorBoard and MLflow see it: the real packages, in a virtual environment under build/,
# read what the reporter and `runner export` wrote, and both pages are drawn to build/interop/*.png.
# Takes about a minute, the first time as long as it takes to fetch the packages.
set -euo pipefail
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
venv=build/interop/venv
[ -x "$venv/bin/mlflow" ] && [ -x "$venv/bin/tensorboard" ] || {
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check tensorboard 'setuptools<81' mlflow
}
exec "$venv/bin/python" tests/full/interop.py build/interop
