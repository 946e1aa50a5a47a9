#!/usr/bin/env bash
# Exported models as other programs compute them: PyTorch and numpy as Debian has them; onnx and
# onnxruntime in a virtual environment under build/. Takes a minute, the first time as long as it
# takes to fetch the packages.
set -euo pipefail
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
build=${1:-build}
export RN_PLUGIN_PATH=$build/plugins
out=$build/export
rm -rf "$out/reports"
mkdir -p "$out"
/usr/bin/python3 tests/full/export.py "$build" train torch from_torch c
venv=$out/venv
[ -d "$venv/lib" ] && "$venv/bin/python" -c 'import onnx, onnxruntime' 2>/dev/null || {
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check numpy onnx onnxruntime
}
"$venv/bin/python" tests/full/export.py "$build" onnx
