/** Further processes in a container. */
import type { CtrCase } from '../ctr-cases/contract.ts';

export const execCases: readonly CtrCase[] = [
  {
    command: 'tasks exec',
    does: 'runs another process in a container',
    steps: [
      'import_image; run_idle',
      { run: 'ctr tasks exec --exec-id e1 one sh -c "echo inside; echo err >&2; sleep 0.2; exit 4"', code: 4 },
      'ctr tasks exec --exec-id e2 --cwd /etc --user nobody one sh -c "pwd; id; sleep 0.2"',
      'seq 100000 | ctr tasks exec --exec-id e3 one sha256sum',
      'ctr tasks exec -d --exec-id e4 one sleep 1000; ctr tasks ps one | wc -l',
      { run: 'ctr tasks exec --exec-id e4 one true', code: 1 },
      { run: 'ctr tasks rm --exec-id e4 one', code: 1 },
      { run: 'ctr tasks kill -s SIGKILL --exec-id e4 one; sleep 0.3; ctr tasks rm --exec-id e4 one', code: 137 },
      { run: 'ctr tasks kill --exec-id e4 one', code: 1 },
      { run: 'ctr tasks exec --exec-id e6 none true', code: 1 },
      'ctr tasks exec --exec-id e7 --log-uri file://$dir/log one sh -c "echo logged; sleep 0.2"; cat log',
      'remove; no_traces',
    ],
  },
  {
    command: 'tasks exec',
    does: 'says what is wrong, and the name is free again',
    steps: [
      'import_image; run_idle; begin_events',
      { run: 'ctr tasks exec --exec-id e5 one no-such-program', code: 1 },
      { run: 'ctr tasks exec --exec-id e5 --cwd /no/such/place one true', code: 1 },
      { run: 'ctr tasks exec --exec-id e5 one sh -c "sleep 0.2; exit 8"', code: 8 },
      'ctr tasks exec --exec-id e8 one no-such-program 2>&1 | grep -o "executable file not found in .PATH"',
      'end_events; ctr tasks ls; remove; no_traces',
    ],
  },
  {
    command: 'tasks exec',
    does: 'runs many at once',
    steps: [
      'import_image; run_idle',
      'for i in $(seq 24); do (ctr tasks exec --exec-id e$i one sh -c "seq 2000 | sha256sum; sleep 0.2; exit $i" > out.$i; echo $? > code.$i) & done; wait; cat code.* | sort -n | tr "\\n" " "; cat out.* | sort | uniq -c',
      'ctr tasks ps one | wc -l; remove; no_traces',
    ],
  },
  {
    command: 'tasks exec',
    does: 'ends with the container',
    steps: [
      'import_image; run_idle; begin_events',
      '(ctr tasks exec --exec-id e1 one sleep 1000; echo $? > code) & sleep 0.7; ctr tasks kill -s 9 one; stopped; wait; cat code',
      { run: 'ctr tasks exec --exec-id e2 one true', code: 1 },
      'end_events | sort; remove; no_traces',
    ],
  },
  {
    command: 'tasks exec',
    does: 'leaves orphans to the shim',
    steps: [
      'import_image; run_idle; shim_of one > shim.pid',
      'ctr tasks exec --exec-id e1 one sh -c "(sleep 0.3; exit 2) & (sleep 0.2 &) ; sleep 0.1; exit 3"; echo $?',
      'sleep 0.7; ctr tasks ps one | wc -l; ps -o stat= --ppid $(cat shim.pid) | grep -c Z; true',
      'remove; no_traces',
    ],
  },
];
