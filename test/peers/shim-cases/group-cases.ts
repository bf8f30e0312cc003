/** Several containers under one shim, many shims at once, and what asks a shim itself. */
import type { CtrCase } from '../ctr-cases/contract.ts';

const grouped = (annotation: string): CtrCase => ({
  command: 'run',
  does: `puts what has the same ${annotation} under one shim`,
  steps: [
    'import_image; begin_events',
    `for id in one two; do ctr $run -d --null-io --annotation ${annotation}=g$ns $image $id sleep 1000; done; ctr tasks ls`,
    '[ "$(shim_of one)" = "$(shim_of two)" ] && echo one shim; shim_of one > shim.pid',
    'ctr tasks exec --exec-id e1 one sh -c "sleep 0.2; exit 3"; echo $?; ctr tasks exec --exec-id e1 two sh -c "sleep 0.2; exit 4"; echo $?',
    'ctr tasks kill -s 9 one; stopped one; ctr tasks ls; remove one; ctr tasks ls; [ "$(shim_of two)" = "$(cat shim.pid)" ] && echo the same shim',
    `ctr $run -d --null-io --annotation ${annotation}=g$ns $image three sleep 1000; [ "$(shim_of three)" = "$(cat shim.pid)" ] && echo the same shim`,
    // In which order what ends at once is told, and whether all of it, is a matter of chance with containerd's shim.
    'remove two three; end_events | grep -Ev "/tasks/(exit|delete)"; no_traces',
  ],
});

export const groupCases: readonly CtrCase[] = [
  grouped('io.containerd.runc.v2.group'),
  grouped('io.kubernetes.cri.sandbox-id'),
  {
    command: 'run',
    does: 'starts twenty at once',
    steps: [
      'import_image',
      'for i in $(seq 20); do (ctr $run --rm $image c$i sh -c "sleep 0.3; exit $i"; echo $? > code.$i) & done; wait; cat code.* | sort -n | tr "\\n" " "',
      'ctr tasks ls; no_traces',
    ],
  },
  {
    command: 'shim state',
    does: 'asks a shim',
    steps: [
      'import_image; run_idle',
      'task=$(ctr shim state --help | grep -q task-id && echo "--task-id one"); ctr shim --id one state $task | jq -c "del(.pid, .stdin, .stdout, .stderr)"; true',
      { run: 'ctr shim --id one delete', code: 1 },
      { run: 'ctr shim --id one start', code: 1 },
      'echo "{\\"args\\":[\\"touch\\",\\"/made\\"],\\"cwd\\":\\"/\\",\\"user\\":{\\"uid\\":0,\\"gid\\":0}}" > spec.json; ctr shim --id one exec --spec spec.json --cwd / e1 touch /made; true',
      'remove; no_traces',
    ],
  },
];
