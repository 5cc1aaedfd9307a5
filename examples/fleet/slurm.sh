#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# slurm.sh OUT SHARDS PARTITION,... OPTIONS: tunes on Slurm. OPTIONS are those of normagen tune. An array of SHARDS tasks
# compiles; for each partition, which has one kind of device, an array measures, each task on a node of its own as soon
# as its shard is compiled; then the records are merged. The same again goes on with what is left. In the environment:
# NORMAGEN, NORMA_BUDGET (seconds to measure a shard, 600), and what sbatch reads (SBATCH_ACCOUNT, ...).
set -euo pipefail

usage() {
    echo "slurm.sh: $1; expected OUT SHARDS PARTITION,... OPTIONS of normagen tune" >&2
    exit 2
}

submit() {
    [ $# -ge 4 ] || usage "$# arguments"
    local out=$1 shards=$2 partitions=$3
    [[ $shards =~ ^[1-9][0-9]*$ ]] || usage "SHARDS is \"$shards\""
    [[ $partitions =~ ^[^,]+(,[^,]+)*$ ]] || usage "PARTITION is \"$partitions\""
    command -v "${NORMAGEN:-normagen}" > /dev/null || usage "NORMAGEN is \"${NORMAGEN:-normagen}\", which is not there"
    shift 3
    mkdir -p "$out/log"
    out=$(realpath "$out")
    local options=(--parsable --requeue --kill-on-invalid-dep=yes --output "$out/log/%x-%A-%a.txt")
    local minutes=$((2 * ${NORMA_BUDGET:-600} / 60 + 10)) compiled measured partition
    local -a measuring=()
    compiled=$(sbatch "${options[@]}" --job-name norma-compile --array "1-$shards" "$0" compile "$out" "$shards" "$@")
    IFS=, read -ra partitions <<< "$partitions"
    for partition in "${partitions[@]}"; do
        measured=$(sbatch "${options[@]}" --job-name norma-measure --array "1-$shards" --partition "$partition" --exclusive \
            --time "$minutes" --dependency "aftercorr:$compiled" "$0" measure "$out")
        measuring+=("$measured")
    done
    sbatch "${options[@]}" --job-name norma-merge --dependency "afterany:$(IFS=: && echo "${measuring[*]}")" "$0" merge "$out"
}

compile() {
    local out=$1 shards=$2
    shift 2
    "${NORMAGEN:-normagen}" tune "$@" --jobs "${SLURM_CPUS_ON_NODE:-1}" --shard "$SLURM_ARRAY_TASK_ID/$shards" \
        --emit "$out/candidates/$SLURM_ARRAY_TASK_ID"
}

measure() {
    local candidates=$1/candidates/$SLURM_ARRAY_TASK_ID
    "$candidates/norma_measure" "$candidates" --resume --budget "${NORMA_BUDGET:-600}" \
        --records "$1/records/$SLURM_JOB_PARTITION/$SLURM_ARRAY_TASK_ID"
}

merge() {
    "${NORMAGEN:-normagen}" records merge "$1/records" --out "$1/merged"
    "${NORMAGEN:-normagen}" records report "$1/merged" --out "$1/report.html"
}

if [ -z "${SLURM_JOB_ID:-}" ]; then
    submit "$@"
else
    "$@"
fi
