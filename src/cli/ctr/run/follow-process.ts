/** Carries bytes, signals and sizes between this terminal and a process in a container, to its end. */
import type { Socket } from 'node:net';
import { errnoOf, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import type { ProcessName } from '#/client/containerd/end-process.ts';
import type { ProcessStreams } from '#/client/containerd/process-io.ts';
import type { Output } from '#/cli/output.ts';
import { exitOnSignals, proxySignals } from '#/cli/terminal/signals.ts';
import { enterRawMode, onResize, terminalSize } from '#/cli/terminal/terminal.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { parseSignal } from '#/linux/signals.ts';

export interface FollowedProcess {
  readonly client: ContainerdClient;
  readonly name: ProcessName;
  readonly out: Output;
  readonly err: Output;
}

export interface Carrying extends Disposable {
  /** Settles when all output has been passed on. */
  readonly output: Promise<void>;
}

/** Begins to carry; for a terminal it is raw until disposed. The process must have been created. */
export function carryProcess(process: FollowedProcess, streams: ProcessStreams): Carrying {
  const { out, err } = process;
  const stack = new DisposableStack();
  const over = new AbortController();
  stack.defer(() => over.abort());
  if (streams.paths.terminal) {
    stack.use(enterRawMode());
    stack.use(exitOnSignals());
  }
  const output = Promise.all([
    pour(streams.stdout, out),
    ...(streams.stderr === undefined ? [] : [pour(streams.stderr, err)]),
  ]).then(() => {});
  output.catch(() => {});
  if (streams.paths.stdin !== '') void carryInput(process, streams, over.signal);
  return { output, [Symbol.dispose]: () => stack.dispose() };
}

async function pour(from: Socket, to: Output): Promise<void> {
  for await (const chunk of from) await to.write(chunk as Buffer);
}

/** Our input to its end, which is told; a process that takes no more is no failure. */
async function carryInput(
  { client, name }: FollowedProcess,
  streams: ProcessStreams,
  over: AbortSignal,
): Promise<void> {
  try {
    const stdin = await streams.openStdin(over);
    stdin.on('error', () => {});
    over.addEventListener('abort', () => void process.stdin.destroy(), { once: true });
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      if (stdin.destroyed) return;
      if (!stdin.write(chunk))
        await new Promise<void>((resolve) => stdin.once('drain', resolve).once('close', resolve));
    }
    await new Promise<void>((resolve) => stdin.end(resolve).once('close', resolve));
    await client.call(Tasks.method.closeIO, { ...name, stdin: true });
  } catch (error) {
    const expected = over.aborted || errnoOf(error) !== undefined || isKind(error, 'not-found');
    if (!expected) throw error;
  }
}

/** Once it runs: its terminal gets our size, now and whenever it changes; else it gets our signals. */
export function superviseProcess({ client, name }: FollowedProcess, terminal: boolean): Disposable {
  if (!terminal)
    return proxySignals(async (signal) => {
      await client.call(Tasks.method.kill, { ...name, signal: parseSignal(signal) });
    });
  const resize = ({ columns, rows }: { readonly columns: number; readonly rows: number }): void => {
    // A process that has just ended has no size.
    void client.call(Tasks.method.resizePty, { ...name, width: columns, height: rows }).catch(() => {});
  };
  const size = terminalSize();
  if (size !== undefined) resize(size);
  return onResize(resize);
}
