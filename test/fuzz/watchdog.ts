/** Names the input that a reader never comes back from: nothing on the same thread could. */
import { Worker } from 'node:worker_threads';
import { longestInput } from './mutate.ts';

export interface Watchdog extends Disposable {
  /** The input that is being read from now on. */
  watch(input: Uint8Array): void;
}

/** Far more than any input of this size may take, on a machine however busy. */
const patience = 60_000;
const [turnAt, lengthAt, bytesAt] = [0, 1, 8];

const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { memory, name, patience } = workerData;
const numbers = new Int32Array(memory, 0, 2);
let turn = -1;
setInterval(() => {
  const now = Atomics.load(numbers, ${turnAt});
  if (now !== turn) return void (turn = now);
  const input = Buffer.from(memory, ${bytesAt}, Atomics.load(numbers, ${lengthAt})).toString('base64');
  require('node:fs').writeSync(2, 'fuzz: ' + name + ' does not come to an end with the input (base64) ' + input + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, patience);
`;

export function openWatchdog(name: string): Watchdog {
  const memory = new SharedArrayBuffer(bytesAt + longestInput);
  const numbers = new Int32Array(memory, 0, 2);
  const bytes = new Uint8Array(memory, bytesAt);
  const worker = new Worker(program, { eval: true, workerData: { memory, name, patience } });
  worker.unref();
  return {
    watch: (input) => {
      bytes.set(input.subarray(0, longestInput));
      Atomics.store(numbers, lengthAt, Math.min(input.length, longestInput));
      Atomics.add(numbers, turnAt, 1);
    },
    [Symbol.dispose]: () => void worker.terminate(),
  };
}
