#!/bin/sh
# Fuzzes the parsers in C, all or those that are named: fuzz-native.sh SECONDS-EACH [NAME...]. What it learns stays in
# build/fuzz/corpus; an input that breaks something is named, and belongs into native/fuzz/corpus with its mending.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds for each}
shift
make -s -C native fuzz
[ $# -gt 0 ] || set -- $(ls native/fuzz/corpus)
for name in "$@"; do
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/found
  log=build/fuzz/$name.log
  if "build/fuzz/$name" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=1024 -timeout=10 -detect_leaks=1 \
    -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "native/fuzz/corpus/$name" >"$log" 2>&1 </dev/null; then
    echo "$name: $(sed -n 's/^Done //p' "$log"), nothing found"
  else
    grep -E 'ERROR|SUMMARY|runtime error|Test unit' "$log" || tail -20 "$log"
    echo "$name: broken; all of it is in $log" >&2
    exit 1
  fi
done
