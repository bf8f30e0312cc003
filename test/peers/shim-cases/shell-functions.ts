/** What the cases say in one word. `$run` is `run` with the runtime that is looked at. */

/** Each function works on the container `one` unless its argument names another. */
export const shellFunctions = `
import_image() { ctr images import $local $archive >/dev/null; }

run_idle() { ctr $run -d --null-io $image "\${1:-one}" sleep 1000; }

pid_of() { ctr tasks ls | awk -v id="\${1:-one}" '$1 == id { print $2 }'; }

shim_of() { awk '/^PPid:/ { print $2 }' "/proc/$(pid_of "$1")/status"; }

settled() { for tries in $(seq 200); do "$@" && return; sleep 0.05; done; echo "not within 10 s: $*"; return 1; }

has_stopped() { ctr tasks ls | grep -q "^\${1:-one} .*STOPPED"; }

stopped() { settled has_stopped "$1"; }

remove() { for id in "\${@:-one}"; do ctr tasks rm -f "$id" >/dev/null 2>&1; ctr containers rm "$id"; done; }

begin_events() { "$program" --address "$address" events "namespace==$ns" >events 2>&1 & echo $! >events.pid; sleep 0.5; }

# Of an end and a deletion right after it, containerd 2 tells now this first, now that.
exits_first() { awk '/ \\/tasks\\/delete / { if (held) print held; held = $0; next } { exit_first = held && / \\/tasks\\/exit /; if (held && !exit_first) { print held; held = "" } print; if (exit_first) { print held; held = "" } } END { if (held) print held }'; }

end_events() { sleep 0.5; kill "$(cat events.pid)"; grep -v ' /\\(content\\|images\\|snapshot\\|containers\\|leases\\|namespaces\\)/' events | exits_first; }

# Without carriage returns, and without the end of input, which a terminal shows where it has come to when it comes.
shown() { tr -d '\\r' | sed 's/\\^@//g'; }

traces() {
  pgrep -fa "namespace $ns "
  grep -o "[^ ]*/$ns/[^ ]*" /proc/mounts
  find "$state"/io.containerd.runtime.v2.task/"$ns" "$state"/../root/io.containerd.runtime.v2.task/"$ns" -mindepth 1 2>/dev/null
  find /sys/fs/cgroup -type d -path "*/$ns/*" 2>/dev/null
  find /run/containerd/s -name "$(printf %s "$address/$ns/one" | sha256sum | cut -c 1-64)" 2>/dev/null
  find /run/containerd/runc /run/runc -path "*/$ns/*" 2>/dev/null
}

has_no_traces() { [ "$(traces | wc -l)" = 0 ]; }

has_no_traces_but_sockets() { [ "$(traces | grep -vc '^/run/containerd/s/')" = 0 ]; }

no_traces() { settled has_no_traces && echo "nothing is left" || { traces; return 1; }; }
`;
