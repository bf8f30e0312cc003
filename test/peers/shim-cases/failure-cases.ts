/** What goes wrong: programs, runtimes, shims. */
import type { CtrCase, Difference } from '../ctr-cases/contract.ts';

/** `ctr` gives a runtime's path to a shim under containerd's own name alone, by which berth's side finds ours. */
const withRuntime = 'ctr run --runtime io.containerd.runc.v2 --runc-binary $dir/runtime';

const script = (body: string): string => `printf '#!/bin/sh\\n${body}\\n' > runtime; chmod +x runtime`;

const leftSocket: Difference = {
  why: 'containerd’s shim leaves the socket of one that was killed',
  pattern: /^sockets left: \d$/gm,
};

export const failureCases: readonly CtrCase[] = [
  {
    command: 'run',
    does: 'says that there is no such program, and leaves nothing',
    steps: [
      'import_image; begin_events',
      { run: 'ctr $run --rm $image one no-such-program', code: 1 },
      'ctr $run --rm $image one no-such-program 2>&1 | grep -o "executable file not found in .PATH"',
      { run: 'ctr $run --rm --cwd /no/such $image one /etc/passwd', code: 1 },
      { run: 'ctr $run --rm --mount type=bind,src=/no/such,dst=/in,options=rbind $image one true', code: 1 },
      'ctr tasks ls; end_events; no_traces',
    ],
  },
  {
    command: 'run --runc-binary',
    does: 'runs by another program',
    steps: [
      `import_image; ${script('echo "$@" >> "$(dirname "$0")/calls"; exec runc "$@"')}`,
      { run: `${withRuntime} --rm $image one sh -c "sleep 0.3; exit 6"`, code: 6 },
      'grep -oE " (create|start|delete) " calls; no_traces',
    ],
  },
  {
    command: 'run --runc-binary',
    does: 'is told of a runtime that is missing, prints garbage or dies',
    steps: [
      'import_image',
      { run: `${withRuntime} --rm $image one true`, code: 1 },
      script('echo garbage; echo more >&2; exit 3'),
      { run: `${withRuntime} --rm $image one true`, code: 1 },
      script('kill -9 $$'),
      { run: `${withRuntime} --rm $image one true`, code: 1 },
      script('exit 0'),
      { run: `${withRuntime} --rm $image one true`, code: 1 },
      'ctr tasks ls; ctr containers ls -q; no_traces',
    ],
  },
  {
    command: 'kill -9 of the shim',
    does: 'is told as an exit with 137, once, and leaves nothing',
    differs: [leftSocket],
    steps: [
      'import_image; run_idle; ctr tasks exec -d --exec-id e1 one sleep 1000; pid_of one > pid; begin_events',
      'kill -9 $(shim_of one); settled test ! -e /proc/$(cat pid); end_events; ctr tasks ls',
      'ctr containers rm one; settled has_no_traces_but_sockets && echo nothing else is left',
      'echo "sockets left: $(traces | wc -l)"; run_idle; ctr tasks ls; remove; no_traces',
    ],
  },
  {
    command: 'kill -9 of the shim',
    does: 'ends a client that waits',
    differs: [leftSocket],
    steps: [
      'import_image; (ctr $run --rm $image one sleep 1000 >out 2>&1; echo $? >code) & settled pid_of one >/dev/null; sleep 1; kill -9 $(shim_of one); settled test -e code; cat code; sleep 1',
      'ctr containers rm one 2>/dev/null; ctr tasks ls; settled has_no_traces_but_sockets; echo "sockets left: $(traces | wc -l)"',
    ],
  },
];
