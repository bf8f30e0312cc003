/**
 * The streams of a process under a shim that is not ours: one small process of ours (`native/stdio`) holds them, writes the
 * log and serves whoever attaches, so that they outlive the daemon. The shim gets FIFOs.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, describeFailure } from '#/base/errors.ts';
import type { Stdio } from '#/core/tasks/contract.ts';
import type { WantedStreams } from '#/core/tasks/stdio.ts';
import { mkfifo } from '#/linux/mknod.ts';
import { collectOutput, openChildPipe } from '#/linux/pipe.ts';
import type { Child } from '#/linux/spawn.ts';
import { spawn } from '#/linux/spawn.ts';

export interface OpenStdio extends WantedStreams {
  /** Path of berth-stdio. */
  readonly binary: string;
}

export interface StdioProcess {
  /** For the task that is created or exec'd with these streams. */
  readonly stdio: Stdio;
  readonly socketPath: string;
  readonly pid: number;
  /** Ends it when no process ever got the streams; else it ends with that process, and this only waits a little. */
  stop(): Promise<void>;
}

const startLimit = 5000;
const stopLimit = 1000;
const sigterm = 15;
const maxComplaint = 4096;

/** Makes the FIFOs and starts the process that holds them. When it resolves, clients may attach. */
export async function openStdio(options: OpenStdio): Promise<StdioProcess> {
  return startStdio(options, await makeStdio(options));
}

/** Makes the FIFOs only: a task may be created on them while the process that holds them starts. */
export async function makeStdio(options: OpenStdio): Promise<Stdio> {
  const { directory, terminal, openStdin } = options;
  const path = (name: string, wanted: boolean): string => (wanted ? join(directory, name) : '');
  const stdio: Stdio = {
    terminal,
    stdin: path('stdin', openStdin),
    stdout: path('stdout', true),
    stderr: path('stderr', options.stderr && !terminal),
  };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    const fifos = [stdio.stdin, stdio.stdout, stdio.stderr].filter((fifo) => fifo !== '');
    await Promise.all(fifos.map((fifo) => mkfifo(fifo, 0o600)));
    return stdio;
  } catch (error) {
    throw describeFailure(`Cannot open streams in "${directory}"`, error);
  }
}

/** Starts the process that holds the FIFOs. When it resolves, clients may attach. */
export async function startStdio(options: OpenStdio, stdio: Stdio): Promise<StdioProcess> {
  const socketPath = join(options.directory, 'socket');
  try {
    const child = await start(options, flagsOf(options, stdio, socketPath));
    return { stdio, socketPath, pid: child.pid, stop: () => stop(child) };
  } catch (error) {
    throw describeFailure(`Cannot open streams in "${options.directory}"`, error);
  }
}

function flagsOf({ logPath, logOptions = {}, stdinOnce }: OpenStdio, stdio: Stdio, socketPath: string): string[] {
  const { maxSize = 0, maxFiles = 1, maxBuffer } = logOptions;
  return [
    '--socket',
    socketPath,
    '--stdout',
    stdio.stdout,
    ...(stdio.stderr === '' ? [] : ['--stderr', stdio.stderr]),
    ...(stdio.stdin === '' ? [] : ['--stdin', stdio.stdin]),
    ...(stdinOnce ? ['--stdin-once'] : []),
    ...(stdio.terminal ? ['--terminal'] : []),
    ...(logPath === undefined ? [] : ['--log', logPath, '--max-size', String(maxSize), '--max-file', String(maxFiles)]),
    ...(maxBuffer === undefined ? [] : ['--mode', 'non-blocking', '--max-buffer-size', String(maxBuffer)]),
  ];
}

/** Resolves when the process says that it is ready; what it complains of instead is the error. */
async function start({ binary }: OpenStdio, args: readonly string[]): Promise<Child> {
  using stdout = openChildPipe('from-child');
  using stderr = openChildPipe('from-child');
  const child = spawn({
    file: binary,
    args,
    env: {},
    stdio: ['ignore', stdout.fd, stderr.fd],
    detached: true,
    unref: true,
  });
  stdout.release();
  stderr.release();
  const texts = [stdout, stderr].map(({ stream }) => collectOutput(stream, (bytes) => bytes <= maxComplaint));
  const late = delay(startLimit, undefined, { ref: false });
  const [said, complaint] = (await Promise.race([Promise.all(texts), late])) ?? [];
  if (said?.toString() === 'ready\n') return child;
  child.kill(9);
  const why = complaint === undefined ? `it was not ready after ${startLimit} ms` : complaint.toString('utf8').trim();
  throw new EngineError('internal', `Cannot start "${binary}": ${why === '' ? 'it ended' : why}`);
}

async function stop(child: Child): Promise<void> {
  if (!child.kill(sigterm)) return;
  await Promise.race([child.exited, delay(stopLimit, undefined, { ref: false })]);
}
