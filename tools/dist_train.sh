#!/usr/bin/env bash
# Several processes on one machine: tools/dist_train.sh CONFIG PROCESSES [options of train.py]
set -eu
[ $# -ge 2 ] || { sed -n 2p "$0" >&2; exit 2; }
arguments=("${@:1:1}")
processes=$2
shift 2
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "${PYTHON:-python}" -m torch.distributed.run --standalone --nproc_per_node="$processes" \
    "$(dirname "$0")/train.py" "${arguments[@]}" --launcher pytorch "$@"
