#!/usr/bin/env bash
# Several processes on one machine: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of test.py]
# Several machines: NNODES=2 NODE_RANK=0 MASTER_ADDR=host-of-rank-0 [PORT=29500], on each its NODE_RANK.
set -eu
[ $# -ge 3 ] || { sed -n 2,3p "$0" >&2; exit 2; }
tools=$(dirname "$0")
arguments=("${@:1:2}")
processes=$3
shift 3
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
PYTHON=${PYTHON:-$(command -v python || echo python3)}
exec "$PYTHON" "$tools/launch.py" "$tools/test.py" "$processes" "${arguments[@]}" "$@"
