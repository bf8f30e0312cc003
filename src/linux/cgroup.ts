import { readFile, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, errnoOf } from '#/base/errors.ts';

/** Where a process stands in one hierarchy: a line of /proc/PID/cgroup. */
export interface CgroupMembership {
  /** 0 is cgroup v2. */
  readonly hierarchy: number;
  /** Of v1: "memory", or "name=systemd". Empty for v2. */
  readonly controllers: readonly string[];
  /** Below the mount point of the hierarchy. */
  readonly path: string;
}

/** ENOENT or ESRCH when there is no such process. */
export async function readCgroups(pid: number | 'self'): Promise<CgroupMembership[]> {
  return parseCgroups(await readFile(`/proc/${pid}/cgroup`, 'utf8'));
}

export function parseCgroups(text: string): CgroupMembership[] {
  return [...text.matchAll(/^(\d+):([^:]*):(.*)$/gm)].map(([, hierarchy, controllers = '', path = '']) => ({
    hierarchy: Number(hierarchy),
    controllers: controllers === '' ? [] : controllers.split(','),
    path,
  }));
}

/** The processes of one cgroup, not of those below it; none when the directory is gone. */
export async function listCgroupPids(directory: string): Promise<number[]> {
  const text = (await unlessGone(readFile(join(directory, 'cgroup.procs'), 'utf8'))) ?? '';
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
}

/** A cgroup stays busy for a moment after its last process has ended. */
const busyRetries = 20;
const busyPause = 10;

/** Removes a cgroup without processes and those below it; gone already is fine, EBUSY when a process is in one. */
export async function removeCgroup(directory: string): Promise<void> {
  const entries = (await unlessGone(readdir(directory, { withFileTypes: true }))) ?? [];
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(directory, entry.name));
  for (let tries = 0; ; tries++) {
    try {
      await unlessGone(rmdir(directory));
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY' || tries >= busyRetries) throw error;
      await delay(busyPause);
    }
  }
}

const hierarchies = '/sys/fs/cgroup';

/** Removes the cgroup of that name at the top of each hierarchy there is (v2 is one itself), with all below it. */
export async function removeNamedCgroup(name: string): Promise<void> {
  if (!/^[A-Za-z0-9_][\w.-]*$/.test(name))
    throw new EngineError('invalid-argument', `Cannot remove cgroup "${name}": that is no plain name`);
  const mounted = await readdir(hierarchies, { withFileTypes: true });
  const roots = mounted.filter((entry) => entry.isDirectory()).map((entry) => join(hierarchies, entry.name));
  for (const root of [hierarchies, ...roots.filter((path) => path !== join(hierarchies, name))])
    await removeCgroup(join(root, name));
}

async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
