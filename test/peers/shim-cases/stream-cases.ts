/** Input, output, terminals, logs. */
import type { CtrCase } from '../ctr-cases/contract.ts';

/** In a terminal of its own, with that script's words in it. */
const inTerminal = (words: string, input = '</dev/null'): string =>
  `script -qec "$program --address $address -n $ns ${words}" /dev/null ${input}`;

export const streamCases: readonly CtrCase[] = [
  {
    command: 'run',
    does: 'passes input through, to its end',
    steps: [
      'import_image',
      'seq 300000 | ctr $run --rm $image one sha256sum; seq 300000 | sha256sum',
      'ctr $run --rm $image one seq 100000 | sha256sum; seq 100000 | sha256sum',
      'printf "first\\nsecond\\n" | ctr $run --rm $image one sh -c "read a; echo got \\$a; sleep 0.2"',
      'no_traces',
    ],
  },
  {
    command: 'run -t',
    does: 'has a terminal of the right size',
    steps: [
      'import_image',
      `${inTerminal("$run --rm -t $image one sh -c 'tty; sleep 0.5'")} | shown`,
      `script -qec "stty rows 33 cols 77; $program --address $address -n $ns $run --rm -t $image one sh -c 'sleep 0.7; stty size; sleep 0.2'" /dev/null </dev/null | shown`,
      `${inTerminal("$run --rm -t $image one sh -c 'sleep 0.3; exit 9'")}; echo $?`,
      `(sleep 1; echo "echo typed; exit 3"; sleep 1) | ${inTerminal('$run --rm -t $image one sh', '')} | shown | grep -x typed`,
      'no_traces',
    ],
  },
  {
    command: 'tasks exec -t',
    does: 'has a terminal of its own',
    steps: [
      'import_image; run_idle',
      `${inTerminal("tasks exec -t --exec-id e1 one sh -c 'tty; sleep 0.5; exit 4'")} | shown`,
      `script -qec "stty rows 21 cols 43; $program --address $address -n $ns tasks exec -t --exec-id e2 one sh -c 'sleep 0.7; stty size; sleep 0.2'" /dev/null </dev/null | shown`,
      'remove; no_traces',
    ],
  },
  {
    command: 'run --log-uri file://',
    does: 'appends to a file',
    steps: [
      'import_image; echo before > log',
      'ctr $run -d --log-uri file://$dir/log $image one sh -c "echo out; echo err >&2"; stopped; settled grep -q err log; sort log; remove',
      'ctr $run -d --log-uri file://$dir/made/on/the/way/log $image one sh -c "echo out"; stopped; settled grep -q out made/on/the/way/log; remove',
      'ctr $run -d --log-uri file://$dir/big $image one sh -c "seq 200000; echo end >&2"; stopped; settled grep -qx end big; wc -l < big; remove',
      'no_traces',
    ],
  },
  {
    command: 'run --log-uri binary://',
    does: 'starts a logger with streams and names',
    steps: [
      'import_image; printf \'#!/bin/sh\\necho "$CONTAINER_NAMESPACE" "$CONTAINER_ID" "$@" > %s/args\\nexec 5<&- 5>&-\\n(cat <&4 > %s/err) &\\ncat <&3 > %s/out\\n\' $dir $dir $dir > logger; chmod +x logger',
      'ctr $run -d --log-uri "binary://$dir/logger?key=value" $image one sh -c "echo out; seq 50000; echo err >&2"; stopped; settled grep -q err err; settled grep -qx 50000 out; remove; cat args err; sha256sum < out; no_traces',
      { run: 'ctr $run -d --log-uri "binary://$dir/no-such-logger" $image one true', code: 1 },
      'ctr containers rm one; printf "#!/bin/sh\\nexit 3\\n" > logger',
      'ctr $run -d --log-uri "binary://$dir/logger" $image one true; echo $?; remove; no_traces',
    ],
  },
  {
    command: 'run --log-uri',
    does: 'refuses what is no place for a log',
    steps: [
      'import_image',
      { run: 'ctr $run -d --log-uri gopher://$dir/x $image one true', code: 1 },
      'ctr containers rm one; no_traces',
    ],
  },
  {
    command: 'tasks attach',
    does: 'follows a task and ends with it',
    steps: [
      'import_image; mkdir fifos; ctr $run -d --fifo-dir $dir/fifos $image one sh -c "sleep 2; echo attached; exit 6"',
      { run: 'ctr tasks attach one </dev/null', code: 6 },
      { run: 'ctr tasks attach none', code: 1 },
      'remove; no_traces',
    ],
  },
];
