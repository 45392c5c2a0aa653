#!/usr/bin/env bash
# What to run first where there is a GPU, less than 8 minutes: tools/analysis_tools/gpu_check.sh [OUT]
# Without one: DEVICE=cpu DRY_RUN=1 tools/analysis_tools/gpu_check.sh
set -eu
PYTHON=${PYTHON:-$(command -v python || echo python3)}
out=${1:-work_dirs/gpu_check}
[ $# -eq 0 ] || shift
[ "${DRY_RUN:-0}" = 0 ] || set -- --tiny "$@"
exec "$PYTHON" "$(dirname "$0")/gpu_check.py" "$out" --device "${DEVICE:-cuda}" "$@"
