import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShimAddresses, TaskKey } from '#/core/tasks/context.ts';
import { removeSocket } from '#/core/tasks/endpoint-file.ts';
import { signal } from '#/linux/process.ts';

const sigkill = 9;
/** A starting shim becomes another process; that many looks are enough to meet the last one. */
const mostLooks = 20;

/**
 * Kills shims that were started for a task and do not answer, or never told where they listen. They are known by their
 * flags: namespace, id and our own address.
 */
export async function killStrayShims(key: TaskKey, { socketAddress }: ShimAddresses): Promise<void> {
  for (let look = 0; look < mostLooks; look++) {
    const pids = await findShims(key, socketAddress);
    if (pids.length === 0) break;
    for (const pid of pids) signal(pid, sigkill);
  }
  await removeSocket({ version: 2, protocol: 'ttrpc', address: usualSocket(key, socketAddress) });
}

async function findShims({ namespace, id }: TaskKey, socketAddress: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const matches = await Promise.all(
    pids.map(async (pid) => {
      const words = await wordsOf(pid);
      return hasFlags(words, { '-namespace': namespace, '-id': id, '-address': socketAddress });
    }),
  );
  return pids.filter((_, index) => matches[index]);
}

/** The command line of a process; none when it is gone. */
async function wordsOf(pid: number): Promise<readonly string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
}

function hasFlags(words: readonly string[], flags: Readonly<Record<string, string>>): boolean {
  return Object.entries(flags).every(
    ([flag, value]) => words.includes(flag) && words[words.indexOf(flag) + 1] === value,
  );
}

/** Where containerd's shim library listens for a task that shares its shim with no other. */
function usualSocket({ namespace, id }: TaskKey, socketAddress: string): string {
  const name = createHash('sha256')
    .update(join(socketAddress, namespace, id))
    .digest('hex');
  return join('/run/containerd/s', name);
}
