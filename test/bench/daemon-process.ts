/** A daemon of the bench's own, berth's or a peer's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface DaemonOptions {
  /** Made if it is not there; the log goes to `log` in it. */
  readonly directory: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It is ready when this one answers. */
  readonly socketPath: string;
}

export interface DaemonProcess extends AsyncDisposable {
  readonly pid: number;
  readonly socketPath: string;
}

const patience = 30_000;

export async function startDaemon({ directory, file, args, env, socketPath }: DaemonOptions): Promise<DaemonProcess> {
  await mkdir(directory, { recursive: true });
  const logPath = join(directory, 'log');
  await using log = await open(logPath, 'a');
  const child = spawn(file, args, {
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
    env: { ...process.env, ...env },
  });
  const exited = once(child, 'exit');
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (): Promise<void> => {
    if (isRunning()) child.kill('SIGTERM');
    const ended = await Promise.race([exited.then(() => true), delay(patience, false, { ref: false })]);
    if (!ended) child.kill('SIGKILL');
    await exited;
  };
  const deadline = performance.now() + patience;
  while (!(await answers(socketPath))) {
    if (isRunning() && performance.now() < deadline) await delay(20);
    else {
      await end();
      throw new Error(`Cannot start "${file}": it does not answer; its log:\n${await readFile(logPath, 'utf8')}`);
    }
  }
  return { pid: child.pid ?? 0, socketPath, [Symbol.asyncDispose]: end };
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(true)).on('error', () => resolve(false));
  const result = await promise;
  socket.destroy();
  return result;
}
