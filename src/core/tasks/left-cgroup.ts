import { readFile } from 'node:fs/promises';
import { basename, join, normalize } from 'node:path';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { removeCgroup } from '#/linux/cgroup.ts';
import { listMounts } from '#/linux/mount-info.ts';

/**
 * Removes the cgroup of a container that its runtime knows nothing of: one killed while it created a container has made
 * the cgroup, but not yet written down that it did. Only a cgroup that is named after the task is touched, and only
 * while no process is in it.
 */
export async function removeLeftCgroup({ path, key }: Bundle): Promise<void> {
  const cgroup = await findCgroupPath(path);
  if (cgroup === undefined || basename(cgroup) !== key.id) return;
  const hierarchies = (await listMounts()).filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
  await Promise.all(hierarchies.map(({ target }) => removeCgroup(join(target, cgroup))));
}

/** Undefined for none, and for systemd's `slice:prefix:name`, which systemd removes itself. */
async function findCgroupPath(bundle: string): Promise<string | undefined> {
  const text = await readFile(join(bundle, 'config.json'), 'utf8').catch(() => '{}');
  const { linux } = JSON.parse(text) as { readonly linux?: { readonly cgroupsPath?: unknown } };
  const path = linux?.cgroupsPath;
  return typeof path === 'string' && path.startsWith('/') && !path.includes(':') ? normalize(path) : undefined;
}
