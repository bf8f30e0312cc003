import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import { listMounts } from '#/linux/mount-info.ts';

/** Moves this process into the cgroup of that path in every hierarchy, and makes it where there is none. */
export async function joinCgroup(path: string): Promise<void> {
  if (path.split('/').includes('..'))
    throw new EngineError('invalid-argument', `Cannot enter cgroup "${path}": its path leaves the hierarchy`);
  const place = normalize(`/${path}`);
  const mounts = (await listMounts()).filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
  if (mounts.length === 0)
    throw new EngineError('failed-precondition', `Cannot enter cgroup "${path}": no cgroup file system is mounted`);
  for (const { target, superOptions } of mounts) {
    const directory = join(target, place);
    await mkdir(directory, { recursive: true });
    if (superOptions.includes('cpuset')) await inheritCpus(directory, target);
    await writeFile(join(directory, 'cgroup.procs'), String(process.pid));
  }
}

/** A fresh cpuset of v1 has no processors and no memory, and takes no process. */
async function inheritCpus(directory: string, top: string): Promise<void> {
  if (directory === top) return;
  const parent = dirname(directory);
  await inheritCpus(parent, top);
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    if ((await readFile(join(directory, file), 'utf8')).trim() === '')
      await writeFile(join(directory, file), await readFile(join(parent, file)));
}
