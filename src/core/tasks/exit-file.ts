import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#/base/atomic-file.ts';
import { formatTime, parseTime } from '#/base/clock.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import type { Exit } from '#/core/tasks/contract.ts';

const longestRecord = 4096;

/**
 * How a process ended, as our shim wrote it down before it told anybody: for a daemon that was away, or a shim that died
 * right then. Undefined where it wrote nothing, and for other shims.
 */
export async function findExit({ path }: Bundle, execId = ''): Promise<Exit | undefined> {
  const text = await readStart(join(path, 'exit', execId === '' ? 'init' : execId)).catch(() => undefined);
  return text === undefined ? undefined : parseExit(text);
}

/**
 * Writes down how a container ended whose shim is gone, before anything of it is removed: a daemon that dies before the
 * end is on record leaves it to the next one.
 */
export async function keepExit({ path }: Bundle, { pid, exitStatus, exitedAt }: Exit): Promise<void> {
  const directory = join(path, 'exit');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const record = JSON.stringify({ pid, status: exitStatus, at: formatTime(exitedAt) });
  await writeFileAtomic(join(directory, 'init'), record, 0o600);
}

async function readStart(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(longestRecord) });
  return buffer.toString('utf8', 0, bytesRead);
}

/** `{"pid":1,"status":0,"at":"…"}`, the time in RFC 3339; undefined for anything else. */
export function parseExit(text: string): Exit | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { pid, status, at } = Object(record) as Readonly<Record<'pid' | 'status' | 'at', unknown>>;
  const exitedAt = typeof at === 'string' ? parseTime(at) : undefined;
  if (!isCount(pid) || !isCount(status) || exitedAt === undefined) return undefined;
  return { pid, exitStatus: status, exitedAt };
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
