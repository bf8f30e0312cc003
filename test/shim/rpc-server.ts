import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilTrue } from '../support/until.ts';

/** The program around the shim's own ttrpc server (native/test/rpc-server.c), with sanitizers in it. */
export interface RpcServer extends AsyncDisposable {
  readonly path: string;
  /** Where it tells its events: $TTRPC_ADDRESS. */
  readonly events: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves when it has ended, with what it wrote to standard error: a sanitizer's complaint, or nothing. */
  ended(): Promise<{ readonly code: number | null; readonly complaint: string }>;
  /** Kilobytes of a line of /proc/<pid>/status. */
  memory(line: 'VmRSS' | 'VmHWM'): number;
}

export function buildRpcServer(): string {
  execFileSync('make', ['-s', '-C', join(import.meta.dirname, '../../native'), 'test-programs']);
  return join(import.meta.dirname, '../../build/test/rpc-server');
}

export async function startRpcServer(program: string, daemon?: string): Promise<RpcServer> {
  const directory = await mkdtemp(join(tmpdir(), 'shim-rpc-'));
  const path = join(directory, 's');
  const events = daemon ?? join(directory, 'daemon.ttrpc');
  const child = spawn(program, [path, events], { stdio: ['ignore', 'ignore', 'pipe'] });
  const pid = child.pid ?? 0;
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const closed = once(child, 'close');
  await untilTrue('a ttrpc server', async () => existsSync(path));
  return {
    path,
    events,
    pid,
    process: child,
    async ended() {
      await closed;
      return { code: child.exitCode, complaint };
    },
    memory(line) {
      const found = new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return Number(found?.[1]);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
      await rm(directory, { recursive: true });
      if (complaint !== '') throw new Error(complaint);
    },
  };
}
