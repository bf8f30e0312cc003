/** The life of a container: how it is started, looked at, halted, ended. */
import type { CtrCase } from '../ctr-cases/contract.ts';

export const lifeCases: readonly CtrCase[] = [
  {
    command: 'run',
    does: 'gives output, input and exit codes, and leaves nothing with --rm',
    steps: [
      'import_image',
      { run: 'ctr $run --rm $image one sh -c "echo out; echo err >&2; sleep 0.3; exit 7"', code: 7 },
      'ctr $run --rm $image one sh -c "kill -9 \\$\\$; sleep 1"; echo $?',
      'ctr $run --rm $image one sh -c "kill -TERM 1; sleep 0.2; exit 0"; echo $?',
      'ctr containers ls; ctr tasks ls; no_traces',
    ],
  },
  {
    command: 'run -d',
    does: 'leaves a task that is looked at, killed and deleted',
    steps: [
      'import_image; run_idle',
      'ctr tasks ls',
      '[ "$(cat "$state/io.containerd.runtime.v2.task/$ns/one/init.pid")" = "$(pid_of)" ] && echo the same pid',
      { run: 'ctr tasks rm one', code: 1 },
      'ctr tasks kill -s SIGKILL one; stopped; ctr tasks ls',
      { run: 'ctr tasks kill one', code: 1 },
      'ctr tasks rm one; echo $?',
      { run: 'ctr tasks rm one', code: 1 },
      'ctr containers rm one; no_traces',
    ],
  },
  {
    command: 'run',
    does: 'sets what flags say',
    steps: [
      'import_image',
      'ctr $run --rm --cgroup "$ns/other" $image one sh -c "grep -c $ns/other /proc/self/cgroup; sleep 0.2"',
      'ctr $run --rm --cgroup "" $image one sh -c "grep -c $ns /proc/self/cgroup; sleep 0.2"',
      'ctr $run --rm --pid-file pid $image one sleep 0.2; grep -c . pid',
      'ctr $run --rm --memory-limit 50000000 $image one sleep 0.2',
      'ctr $run -d --null-io --memory-limit 50003968 --cpu-shares 512 $image one sleep 1000; ctr tasks metrics --format json one | jq "[.. | .hierarchical_memory_limit? | numbers]"; remove',
      'ctr $run --rm --read-only --net-host --privileged $image one sh -c "touch /x 2>&1; sleep 0.2"; true',
      'ctr $run --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 $image one sh -c "id -u; cat /proc/self/uid_map; sleep 0.2"',
      'ctr $run --rm --annotation a=b --no-pivot --rootfs-propagation rslave $image one sh -c "echo done; sleep 0.2"',
      'no_traces',
    ],
  },
  {
    command: 'run --rootfs',
    does: 'takes a directory for the root file system',
    steps: [
      'mkdir -p fs/bin fs/proc fs/dev fs/sys fs/tmp fs/etc fs/run; cp /bin/busybox fs/bin/',
      'ctr $run --rm --rootfs $dir/fs one /bin/busybox sh -c "echo written > /tmp/file; sleep 0.2"; cat fs/tmp/file',
      'no_traces; ls fs/bin',
    ],
  },
  {
    command: 'tasks start',
    does: 'starts what was made before, once',
    steps: [
      'import_image; ctr containers create --runtime $runtime $image one sleep 1000',
      'ctr tasks start -d --null-io one; ctr tasks ls',
      { run: 'ctr tasks start -d --null-io one', code: 1 },
      'remove; no_traces',
    ],
  },
  {
    command: 'tasks kill',
    does: 'sends signals',
    steps: [
      'import_image',
      'ctr $run -d --log-uri file://$dir/log $image one sh -c "trap \'echo got; exit 5\' USR1; echo ready; while true; do sleep 0.1; done"',
      'settled grep -q ready log; ctr tasks kill -s SIGUSR1 one; stopped; cat log',
      { run: 'ctr tasks kill one', code: 1 },
      'ctr tasks kill -a one; echo $?',
      { run: 'ctr tasks kill none', code: 1 },
      'ctr tasks rm one; echo $?',
      'ctr containers rm one; run_idle; ctr tasks exec -d --exec-id e1 one sleep 1000; ctr tasks ps one | wc -l',
      'ctr tasks kill -a -s 9 one; stopped; remove; no_traces',
    ],
  },
  {
    command: 'tasks pause',
    does: 'halts a container, and tasks resume lets it go on',
    steps: [
      'import_image; run_idle; begin_events',
      'ctr tasks pause one; ctr tasks ls',
      { run: 'ctr tasks pause one', code: 1 },
      { run: 'ctr tasks exec --exec-id e1 one true', code: 1 },
      { run: 'ctr tasks rm one', code: 1 },
      'ctr tasks resume one; ctr tasks ls',
      { run: 'ctr tasks resume one', code: 1 },
      'end_events; remove; no_traces',
    ],
  },
  {
    command: 'tasks ps',
    does: 'lists all processes, and says which an exec made',
    steps: [
      'import_image; ctr $run -d --null-io $image one sh -c "sleep 1000 & sleep 1001"',
      'ctr tasks exec -d --exec-id e1 one sleep 1000; sleep 0.2; ctr tasks ps one | sed "s/^[0-9]*//"',
      'ctr tasks kill -s 9 --exec-id e1 one; sleep 0.3; ctr tasks ps one | sed "s/^[0-9]*//"',
      'remove; no_traces',
    ],
  },
  {
    command: 'tasks metrics',
    does: 'measures the same things',
    steps: [
      'import_image; run_idle',
      'ctr tasks metrics one | awk "{ print \\$1 }"',
      'ctr tasks metrics --format json one | jq -c "paths(numbers) | map(if type == \\"number\\" then 0 else . end)" | grep -Ev "cache|_file|_maj_|dirty|writeback|usage.,.(kernel|user)" | sort | uniq -c',
      'ctr tasks metrics --format json one | jq -c "[.. | .hierarchical_memory_limit?, .limit?, .failcnt? | numbers]"',
      'ctr tasks kill -s 9 one; stopped',
      'ctr tasks metrics one > gone 2>&1; echo $?',
      'remove; no_traces',
    ],
  },
  {
    command: 'events',
    does: 'tells who was killed for want of memory',
    steps: [
      'import_image; begin_events',
      'ctr $run --rm --memory-limit 24000000 $image one tail /dev/zero; echo $?',
      // containerd's shim may tell of it after the end.
      'end_events | grep -o "/tasks/oom.*" | sort -u | grep one',
      'no_traces',
    ],
  },
  {
    command: 'tasks checkpoint',
    does: 'is told that there is nothing to freeze a process with',
    steps: [
      'import_image; run_idle; begin_events',
      { run: 'ctr tasks checkpoint --image-path $dir/image one', code: 1 },
      'ctr tasks ls; end_events; remove; no_traces',
    ],
  },
  {
    command: 'events',
    does: 'tells of every step, in order',
    steps: [
      'import_image; begin_events',
      { run: 'ctr $run --rm $image one sh -c "sleep 0.3; exit 3"', code: 3 },
      'run_idle; ctr tasks exec --exec-id e1 one sh -c "sleep 0.2; exit 4"; ctr tasks exec -d --exec-id e2 one sleep 1000; ctr tasks kill -s 9 --exec-id e2 one; sleep 0.5; ctr tasks rm --exec-id e2 one; ctr tasks kill -s 9 one; stopped; ctr tasks rm one; ctr containers rm one; end_events',
      'no_traces',
    ],
  },
  {
    command: 'events',
    does: 'tells that memory ran out',
    steps: [
      'import_image; begin_events',
      {
        run: 'ctr $run --rm --memory-limit 20000000 $image one sh -c "sleep 0.3; exec tail -c 100000000 /dev/zero"',
        code: 137,
      },
      'end_events; no_traces',
    ],
  },
];
