import { EngineError, type ErrorKind } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { checkCall, errnoError } from '#/linux/errno-error.ts';
import { collectOutput, openChildPipe } from '#/linux/pipe.ts';

export interface SpawnOptions {
  /** A path, or a name that is looked for in the PATH of `env`. */
  readonly file: string;
  /** Without the program's own name, which is `file`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** '' or absent: the caller's. */
  readonly cwd?: string;
  /** The child's descriptors 0, 1, 2… from the caller's; it gets no others. `ignore` is /dev/null. */
  readonly stdio: readonly (number | 'ignore')[];
  /** A session of its own, so no terminal and no signals of the caller's process group. */
  readonly detached?: boolean;
  /** Waiting for the exit does not keep the caller alive. */
  readonly unref?: boolean;
  /** Kills the child when it aborts; `exited` tells of the death as of any other. */
  readonly signal?: AbortSignal;
}

/** One of them is set; neither when the status was lost. */
export interface ExitStatus {
  readonly code?: number;
  readonly signal?: number;
}

export interface Child {
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  /** False when it has ended already. The pid cannot have become another process's. */
  kill(signal: number): boolean;
}

const newSession = 1;
const killSignal = 9;

/**
 * Starts a process without forking the caller's memory: about a tenth of a millisecond on the event loop, whatever the
 * caller's size. The child has default signal handling. Throws the errno of a program that cannot be run.
 */
export function spawn(options: SpawnOptions): Child {
  options.signal?.throwIfAborted();
  const pidfd = new Int32Array(1);
  const pid = checkCall(start(options, pidfd), 'spawn', { path: options.file });
  const { promise: exited, resolve } = Promise.withResolvers<ExitStatus>();
  let running = pidfd[0];
  const kill = (signal: number): boolean => running !== undefined && signalChild(running, signal);
  const abort = (): void => void kill(killSignal);
  options.signal?.addEventListener('abort', abort, { once: true });
  const finish = (code: number, signal: number): void => {
    options.signal?.removeEventListener('abort', abort);
    if (running !== undefined) closeDescriptor(running);
    running = undefined;
    resolve({ ...(code >= 0 ? { code } : {}), ...(signal > 0 ? { signal } : {}) });
  };
  const result = addon().watchExit(pidfd[0] ?? -1, options.unref === true ? 0 : 1, finish);
  if (result < 0) {
    kill(killSignal);
    finish(-1, -1);
    throw errnoError(result, 'watch', { path: options.file });
  }
  return { pid, exited, kill };
}

function start({ file, args, env, cwd = '', stdio, detached = false }: SpawnOptions, pidfd: Int32Array): number {
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return addon().spawnProcess(
    file,
    blockOf(file, [file, ...args]),
    blockOf(file, variables),
    cwd,
    Int32Array.from(stdio, (fd) => (fd === 'ignore' ? -1 : fd)),
    detached ? newSession : 0,
    pidfd,
  );
}

/** Texts one after the other, each ended by a NUL. */
function blockOf(file: string, texts: readonly string[]): Uint8Array {
  if (texts.some((text) => text.includes('\0')))
    throw new EngineError(
      'invalid-argument',
      `Cannot run "${file}": an argument or variable has a NUL character in it`,
    );
  return Buffer.from(texts.map((text) => `${text}\0`).join(''));
}

function signalChild(pidfd: number, signal: number): boolean {
  const result = addon().signalPidfd(pidfd, signal);
  if (result === -3) return false;
  checkCall(result, 'pidfd_send_signal');
  return true;
}

export interface RunOptions extends Pick<SpawnOptions, 'file' | 'args' | 'env' | 'cwd' | 'signal'> {
  /** For standard input, which is then closed. Absent: /dev/null. */
  readonly input?: string | Uint8Array;
  /** After that the child is killed and the run fails as `deadline-exceeded`. */
  readonly timeoutMs: number;
  /** More output than that, both streams together, and the run fails as `resource-exhausted`. */
  readonly maxOutput: number;
}

export interface RunResult extends ExitStatus {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** How long output may still come after the end, when a grandchild has kept the pipe. */
const outputGrace = 1000;

/** Runs a program to its end and gives its output, whatever the exit code. The child never outlives a failed run. */
export async function run(options: RunOptions): Promise<RunResult> {
  using stdin = options.input === undefined ? undefined : openChildPipe('to-child');
  using stdout = openChildPipe('from-child');
  using stderr = openChildPipe('from-child');
  using limits = openLimits(options);
  const { file, args, env, cwd = '' } = options;
  const stdio: SpawnOptions['stdio'] = [stdin?.fd ?? 'ignore', stdout.fd, stderr.fd];
  const child = spawn({ file, args, env, cwd, stdio, signal: limits.signal });
  for (const pipe of [stdin, stdout, stderr]) pipe?.release();
  // A child that does not read to the end is no failure of ours.
  stdin?.stream.on('error', () => stdin.stream.destroy()).end(options.input ?? '');
  const output = Promise.all([stdout, stderr].map(({ stream }) => collectOutput(stream, limits.takeOutput)));
  const status = await child.exited;
  using _grace = setTimeout(() => [stdout, stderr].forEach(({ stream }) => stream.destroy()), outputGrace);
  const [out = Buffer.of(), error = Buffer.of()] = await output;
  limits.signal.throwIfAborted();
  return { ...status, stdout: out, stderr: error };
}

interface RunLimits extends Disposable {
  /** Aborts with the error that the run fails with. */
  readonly signal: AbortSignal;
  readonly takeOutput: (bytes: number) => boolean;
}

function openLimits({ file, timeoutMs, maxOutput, signal }: RunOptions): RunLimits {
  const stop = new AbortController();
  const fail = (kind: ErrorKind, why: string): void =>
    stop.abort(new EngineError(kind, `Cannot run "${file}": ${why}`));
  const timer = setTimeout(() => fail('deadline-exceeded', `it was not done after ${timeoutMs} ms`), timeoutMs);
  let room = maxOutput;
  const takeOutput = (bytes: number): boolean => {
    room -= bytes;
    if (room < 0) fail('resource-exhausted', `it printed more than ${maxOutput} bytes`);
    return room >= 0;
  };
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  return { signal: both, takeOutput, [Symbol.dispose]: () => clearTimeout(timer) };
}
