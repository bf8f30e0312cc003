import type { CtrCase } from './contract.ts';
import { noRuntime } from './known-differences.ts';

const imported = 'ctr images import $local $archive >/dev/null';
const running = 'ctr run -d --null-io $image one sleep 1000';
const gone = 'ctr tasks rm -f one; ctr containers rm one';
const stopped = 'for i in $(seq 100); do ctr tasks ls | grep -q STOPPED && break; sleep 0.05; done';

export const taskCases: readonly CtrCase[] = [
  {
    command: 'run',
    does: 'gives output, input and exit codes, and leaves nothing with --rm',
    differs: [noRuntime],
    steps: [
      imported,
      { run: 'ctr run --rm $image one sh -c "echo out; echo err >&2; sleep 0.3; exit 7"', code: 7 },
      'seq 100000 | ctr run --rm $image one wc -l',
      'ctr run --rm $image one seq 20000 | sha256sum',
      'ctr containers ls; ctr tasks ls; ctr snapshots ls; ctr leases ls -q | wc -l',
      { run: 'ctr run --rm $image one no-such-program', code: 1 },
      { run: 'ctr run --rm example.com/none:1 one true', code: 1 },
      { run: 'ctr run --rm --runtime io.containerd.nothing.v9 $image one true', code: 1 },
    ],
  },
  {
    command: 'run',
    does: 'sets what flags say',
    steps: [
      imported,
      'ctr run --rm --env A=1 --cwd /etc $image one sh -c "echo \\$A; pwd; id"',
      'echo B=2 > file; ctr run --rm --env-file file --mount type=bind,src=$dir,dst=/in,options=rbind:ro $image one sh -c "echo \\$B; cat /in/file; touch /in/x"; true',
      'ctr run --rm --read-only $image one sh -c "touch /x 2>&1"; true',
      'ctr run --rm --privileged $image one grep CapEff /proc/self/status',
      'ctr run --rm --cap-drop CAP_CHOWN --cap-add CAP_SYS_TIME $image one grep CapEff /proc/self/status',
      'ctr run --rm --memory-limit 50000000 --cpus 0.5 $image one sh -c "cat /proc/self/cgroup | grep -c $ns"',
      'ctr run --rm --net-host $image one sh -c "ls /sys/class/net; sleep 0.3" > net; ls /sys/class/net | diff - net',
      'ctr run --rm --seccomp --device /dev/fuse $image one sh -c "ls /dev/fuse; grep Seccomp: /proc/self/status"',
      'ctr run --rm --pid-file pid $image one true; grep -c . pid',
      'ctr run --rm --annotation a=b --no-pivot --rootfs-propagation rslave $image one echo done',
    ],
  },
  {
    command: 'run',
    does: 'sets what its newer flags say',
    since: '2.x',
    steps: [
      imported,
      'ctr run --rm --user nobody --hostname box $image one sh -c "id; hostname"',
      'ctr run --rm --cpu-shares 512 --cpuset-cpus 0 --rlimit-nofile 100:200 $image one sh -c "ulimit -n; grep Cpus_allowed_list /proc/self/status"',
      { run: 'ctr run --rm --user nosuchuser $image one true', code: 1 },
    ],
  },
  {
    command: 'run',
    does: 'maps users when asked',
    steps: [
      imported,
      'ctr run --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 $image one sh -c "id -u; cat /proc/self/uid_map; stat -c %u /etc"',
      'ctr snapshots ls | wc -l',
    ],
  },
  {
    command: 'run',
    does: 'has a terminal with -t',
    steps: [
      imported,
      'script -qec "$program --address $address -n $ns run --rm -t $image one sh -c \'tty; sleep 0.3\'" /dev/null </dev/null | grep -o "/dev/pts/0"',
    ],
  },
  {
    command: 'run',
    does: 'sends output to a log',
    steps: [
      imported,
      'ctr run -d --log-uri file://$dir/log $image one sh -c "echo logged"',
      `${stopped}; cat log`,
      gone,
    ],
  },
  {
    command: 'tasks list',
    does: 'lists tasks and what became of them',
    steps: [
      imported,
      running,
      'ctr tasks ls',
      'ctr tasks ls -q',
      'ctr tasks kill -s SIGKILL one',
      `${stopped}; ctr tasks ls`,
      gone,
      'ctr tasks ls',
    ],
  },
  {
    command: 'tasks start',
    does: 'starts what was made before',
    steps: [
      imported,
      'ctr containers create $image one cat /etc/passwd /nothing',
      { run: 'ctr tasks start one', code: 1 },
      'ctr tasks start -d --null-io --pid-file pid one; grep -c . pid',
      { run: 'ctr tasks start none', code: 1 },
      { run: 'ctr tasks start one', code: 1 },
      `${stopped}; ctr tasks rm one`,
      'ctr containers rm one',
    ],
  },
  {
    command: 'tasks exec',
    does: 'runs another process in a container',
    steps: [
      imported,
      running,
      { run: 'ctr tasks exec --exec-id e1 one sh -c "echo inside; exit 4"', code: 4 },
      'ctr tasks exec --exec-id e2 --cwd /etc --user nobody one sh -c "pwd; id"',
      'echo typed | ctr tasks exec --exec-id e3 one cat',
      'ctr tasks exec -d --exec-id e4 one sleep 1000; ctr tasks ps one | wc -l',
      { run: 'ctr tasks exec --exec-id e4 one true', code: 1 },
      { run: 'ctr tasks kill -s SIGKILL --exec-id e4 one; sleep 0.3; ctr tasks rm --exec-id e4 one', code: 137 },
      { run: 'ctr tasks exec --exec-id e5 one no-such-program', code: 1 },
      { run: 'ctr tasks exec --exec-id e6 none true', code: 1 },
      gone,
    ],
  },
  {
    command: 'tasks kill',
    does: 'sends signals',
    steps: [
      imported,
      'ctr run -d --log-uri file://$dir/log $image one sh -c "trap \'echo got; exit 5\' USR1; echo ready; while true; do sleep 0.1; done"',
      'for i in $(seq 100); do grep -q ready log && break; sleep 0.05; done; ctr tasks kill -s SIGUSR1 one',
      `${stopped}; cat log; ctr tasks ls`,
      { run: 'ctr tasks kill one', code: 1 },
      { run: 'ctr tasks kill none', code: 1 },
      { run: 'ctr tasks kill -s NONSENSE one', code: 1 },
      gone,
      running,
      'ctr tasks kill -a -s 9 one',
      `${stopped}; ctr tasks ls; ${gone}`,
    ],
  },
  {
    command: 'tasks delete',
    does: 'removes what has ended, and with force what runs',
    steps: [
      imported,
      running,
      { run: 'ctr tasks rm one', code: 1 },
      'ctr tasks rm -f one',
      { run: 'ctr tasks rm one', code: 1 },
      'ctr containers rm one',
    ],
  },
  {
    command: 'tasks pause',
    does: 'halts a container, and tasks resume lets it go on',
    steps: [
      imported,
      running,
      'ctr tasks pause one; ctr tasks ls',
      { run: 'ctr tasks exec --exec-id e1 one true', code: 1 },
      'ctr tasks resume one; ctr tasks ls',
      { run: 'ctr tasks pause none', code: 1 },
      gone,
    ],
  },
  {
    command: 'tasks resume',
    does: 'needs something to resume',
    steps: [
      imported,
      { run: 'ctr tasks resume none', code: 1 },
      running,
      { run: 'ctr tasks resume one', code: 1 },
      gone,
    ],
  },
  {
    command: 'tasks ps',
    does: 'lists processes',
    steps: [imported, running, 'ctr tasks ps one | wc -l', { run: 'ctr tasks ps none', code: 1 }, gone],
  },
  {
    command: 'tasks metrics',
    does: 'measures',
    steps: [
      imported,
      running,
      'ctr tasks metrics one | sed "s/ .*//"',
      'ctr tasks metrics --format json one | tr ",{" "\\n\\n" | grep -o "^\\"[a-z_A-Z]*\\":" | sort -u',
      { run: 'ctr tasks metrics none', code: 1 },
      gone,
    ],
  },
  {
    command: 'tasks attach',
    does: 'follows a task and ends with it',
    steps: [
      imported,
      'mkdir fifos; ctr run -d --fifo-dir $dir/fifos $image one sh -c "sleep 2; echo attached; exit 6"',
      { run: 'ctr tasks attach one </dev/null', code: 6 },
      { run: 'ctr tasks attach none', code: 1 },
      'ctr tasks rm one; ctr containers rm one',
    ],
  },
  {
    command: 'tasks checkpoint',
    does: 'is told that there is nothing to freeze a process with',
    steps: [
      imported,
      running,
      { run: 'ctr tasks checkpoint --image-path $dir/image one', code: 1 },
      'ctr tasks ls',
      gone,
    ],
  },
  {
    command: 'shim state',
    does: 'asks a shim',
    steps: [imported, running, 'ctr shim --id one state --task-id one | tr -d " \\n" | head -c 60', gone],
  },
  {
    command: 'shim delete',
    does: 'asks a shim to delete its task',
    steps: [imported, running, { run: 'ctr shim --id one delete', code: 1 }, gone],
  },
  {
    command: 'shim exec',
    does: 'asks a shim for a process',
    steps: [
      imported,
      running,
      'echo "{\\"args\\":[\\"touch\\",\\"/made\\"],\\"cwd\\":\\"/\\",\\"user\\":{\\"uid\\":0,\\"gid\\":0}}" > spec.json; ctr shim --id one exec --spec spec.json --cwd / e1 touch /made; true',
      gone,
    ],
  },
  {
    command: 'shim start',
    does: 'asks a shim to start its task again',
    steps: [imported, running, { run: 'ctr shim --id one start', code: 1 }, gone],
  },
];
