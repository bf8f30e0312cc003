/** What commands cost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mustRun } from '../support/run-command.ts';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Wall time in ms from its start to its end. It must succeed. */
export async function wallTime({ file, args, env }: Command): Promise<number> {
  const start = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  const complaint: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaint.push(chunk));
  let took = 0;
  child.once('exit', () => (took = performance.now() - start));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return took;
  throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${Buffer.concat(complaint).toString()}`);
}

/** User and system time in ms, of the command and everything that it waited for, by bash's own getrusage(2). */
export async function processorTime({ file, args, env = {} }: Command): Promise<number> {
  const script = 'TIMEFORMAT="%3U %3S"; exec 3>&1; { time "$@" >/dev/null 2>/dev/null 3>&-; } 2>&3';
  const said = await mustRun('/bin/bash', ['-e', '-c', script, 'bash', file, ...args], { env });
  const [user = Number.NaN, system = Number.NaN] = said.trim().split(' ').map(Number);
  return (user + system) * 1000;
}
