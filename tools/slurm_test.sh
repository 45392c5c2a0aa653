#!/usr/bin/env bash
# On a cluster with SLURM: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of test.py]
# GPUS=8 processes, GPUS_PER_NODE=8 of them a machine, CPUS_PER_TASK=5; SRUN_ARGS: more options of srun.
set -eu
[ $# -ge 4 ] || { sed -n 2,3p "$0" >&2; exit 2; }
tools=$(dirname "$0")
partition=$1
job=$2
shift 2
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
PYTHON=${PYTHON:-$(command -v python || echo python3)}
# shellcheck disable=SC2086 # SRUN_ARGS is several words
exec srun --partition="$partition" --job-name="$job" --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" --ntasks-per-node="$GPUS_PER_NODE" --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "$PYTHON" -u "$tools/test.py" "$@" --launcher slurm
