#!/usr/bin/env bash
# Several processes on one machine: tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of test.py]
set -eu
[ $# -ge 3 ] || { sed -n 2p "$0" >&2; exit 2; }
arguments=("${@:1:2}")
processes=$3
shift 3
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "${PYTHON:-python}" -m torch.distributed.run --standalone --nproc_per_node="$processes" \
    "$(dirname "$0")/test.py" "${arguments[@]}" --launcher pytorch "$@"
