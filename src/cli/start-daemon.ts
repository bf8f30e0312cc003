import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, messageOf } from '#/base/errors.ts';
import { dialUnix } from '#/client/http/dial.ts';
import type { Output } from '#/cli/output.ts';

export interface StartDaemonOptions {
  readonly stateDirectory: string;
  readonly socketPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly err: Output;
  /** Where berthd's launcher is; found beside our own where left out. */
  readonly launcher?: string | undefined;
  readonly patience?: Patience;
}

/** In milliseconds. */
export interface Patience {
  readonly total: number;
  /** After berthd ended: another one may be taking the socket at this very moment. */
  readonly afterExit: number;
}

const usualPatience: Patience = { total: 15_000, afterExit: 1_500 };

/** Starts berthd on its own, waits until its socket answers, and says so once. Throws with the end of its log. */
export async function startDaemon(options: StartDaemonOptions): Promise<void> {
  const { stateDirectory, socketPath, env, err } = options;
  if (process.getuid?.() !== 0)
    throw new EngineError(
      'permission-denied',
      `Cannot start berthd: no daemon answers on "${socketPath}", and only root can start one; run this as root`,
    );
  const launcher = options.launcher ?? findLauncher(process.argv[1] ?? '');
  const log = join(stateDirectory, 'berthd.log');
  const { logStart, endOf } = await launch({ launcher, stateDirectory, log, env });
  try {
    await waitForSocket(socketPath, endOf, options.patience ?? usualPatience);
  } catch (error) {
    const tail = await endOfLog(log, logStart);
    throw new EngineError('unavailable', `Cannot start berthd: ${messageOf(error)}${tail}`, { cause: error });
  }
  err.line(`berth: no daemon was running, so berthd was started (its log: ${log})`);
}

/** `bin/berthd` of the package that the running script belongs to. */
export function findLauncher(script: string): string {
  let directory = dirname(script);
  for (let levels = 0; levels < 4; levels++) {
    const candidate = join(directory, 'bin', 'berthd');
    if (existsSync(candidate)) return candidate;
    directory = dirname(directory);
  }
  throw new EngineError('not-found', `Cannot start berthd: there is no bin/berthd near "${script}"`);
}

interface Launch {
  readonly launcher: string;
  readonly stateDirectory: string;
  readonly log: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Launched {
  /** Where our berthd's part of the log begins. */
  readonly logStart: number;
  /** How and when it ended, if it did. */
  readonly endOf: () => Ending | undefined;
}

interface Ending {
  readonly at: number;
  readonly how: string;
}

async function launch({ launcher, stateDirectory, log, env }: Launch): Promise<Launched> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o711 });
  await using file = await open(log, 'a', 0o640);
  const { size } = await file.stat();
  const root = env['BERTH_ROOT'] ?? '';
  const words = ['--state', stateDirectory, ...(root === '' ? [] : ['--root', root])];
  const child = spawn(launcher, words, { detached: true, cwd: '/', stdio: ['ignore', file.fd, file.fd] });
  let ending: Ending | undefined;
  const end = (how: string): void => void (ending ??= { at: performance.now(), how });
  child.once('error', (error) => end(`it cannot be run: ${messageOf(error)}`));
  child.once('exit', (code, signal) => end(`it ended with ${signal ?? `exit code ${code}`}`));
  child.unref();
  return { logStart: size, endOf: () => ending };
}

async function waitForSocket(socketPath: string, endOf: Launched['endOf'], patience: Patience): Promise<void> {
  const began = performance.now();
  for (let pause = 20; ; pause = Math.min(pause * 1.5, 200)) {
    if (await answers(socketPath)) return;
    const now = performance.now();
    const ended = endOf();
    if (ended !== undefined && now - ended.at > patience.afterExit) throw new Error(ended.how);
    if (now - began > patience.total)
      throw new Error(`its socket "${socketPath}" did not answer within ${Math.round(patience.total / 1000)} s`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function answers(socketPath: string): Promise<boolean> {
  try {
    (await dialUnix(socketPath)).destroy();
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

const mostLogBytes = 8 * 1024;
const mostLogLines = 10;

async function endOfLog(log: string, from: number): Promise<string> {
  const { size } = await stat(log);
  const start = Math.max(from, size - mostLogBytes);
  await using file = await open(log, 'r');
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(mostLogBytes), position: start });
  const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-mostLogLines);
  if (lines.join('').trim() === '') return `; its log ${log} is empty`;
  return `; the end of its log ${log}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
