import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttachStdio } from '#/core/tasks/stdio.ts';
import { openStdio, type OpenStdio, type StdioProcess } from '#/core/tasks/stdio-program.ts';
import { stdioBinary } from '#/core/tasks/tasks.fixture.ts';
import { isAlive } from '#/linux/process.ts';
import { run } from '#/linux/spawn.ts';

export const output: AttachStdio = { stdin: false, stdout: true, stderr: true, raw: true, once: false };
export const withStdin: AttachStdio = { ...output, stdin: true };

export interface TestStdio extends StdioProcess, AsyncDisposable {
  readonly directory: string;
  readonly log: string;
}

/** Streams in a directory of their own; when a test is over, nobody holds them. */
export async function openTestStdio(
  options: Partial<OpenStdio> & { readonly logged?: boolean } = {},
): Promise<TestStdio> {
  const { logged = false, ...rest } = options;
  const place = await mkdtempDisposable(join(tmpdir(), 'stdio-'));
  const log = join(place.path, 'log');
  const opened = await openStdio({
    binary: stdioBinary,
    directory: place.path,
    terminal: false,
    openStdin: false,
    stdinOnce: false,
    stderr: true,
    ...(logged ? { logPath: log } : {}),
    ...rest,
  });
  const dispose = async (): Promise<void> => {
    await opened.stop();
    if (await isAlive(opened.pid)) process.kill(opened.pid, 'SIGKILL');
    await place.remove();
  };
  return { ...opened, directory: place.path, log, [Symbol.asyncDispose]: dispose };
}

/** Runs a shell script as the process whose streams these are. */
export async function play(
  { stdio }: StdioProcess,
  script: string,
  ...args: readonly string[]
): Promise<number | undefined> {
  const { stdin, stdout, stderr } = stdio;
  const redirect = `exec >'${stdout}' ${stderr === '' ? '' : `2>'${stderr}'`} ${stdin === '' ? '' : `<'${stdin}'`}`;
  const { code } = await run({
    file: '/bin/sh',
    args: ['-c', `${redirect}; ${script}`, 'sh', ...args],
    env: { PATH: '/bin:/usr/bin' },
    timeoutMs: 50_000,
    maxOutput: 4096,
  });
  return code;
}

export async function readAll(socket: Socket): Promise<Buffer> {
  return Buffer.concat(await socket.toArray());
}

export interface LogLine {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

export async function readLog(path: string): Promise<LogLine[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  assert.equal(lines.pop(), '', 'the log ends with a whole line');
  return lines.map((line) => JSON.parse(line) as LogLine);
}
