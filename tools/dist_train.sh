#!/usr/bin/env bash
# Several processes on one machine: tools/dist_train.sh CONFIG PROCESSES [options of train.py]
# Several machines: NNODES=2 NODE_RANK=0 MASTER_ADDR=host-of-rank-0 [PORT=29500], on each its NODE_RANK.
# MAX_RESTARTS=3: goes on by itself when a process or a machine was lost and is back.
set -eu
[ $# -ge 2 ] || { sed -n 2,4p "$0" >&2; exit 2; }
tools=$(dirname "$0")
arguments=("${@:1:1}")
processes=$2
shift 2
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
PYTHON=${PYTHON:-$(command -v python || echo python3)}
exec "$PYTHON" "$tools/launch.py" --max-restarts "${MAX_RESTARTS:-0}" \
    "$tools/train.py" "$processes" "${arguments[@]}" "$@"
