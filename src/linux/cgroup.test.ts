import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCgroups } from '#/linux/abilities.ts';
import { listCgroupPids, parseCgroups, readCgroups, removeCgroup } from '#/linux/cgroup.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { spawn } from '#/linux/spawn.ts';

test('parseCgroups() reads v1 and v2 lines and paths with colons', () => {
  assert.deepEqual(parseCgroups('9:name=systemd:/a\n4:cpu,cpuacct:/b:c\n0::/\n'), [
    { hierarchy: 9, controllers: ['name=systemd'], path: '/a' },
    { hierarchy: 4, controllers: ['cpu', 'cpuacct'], path: '/b:c' },
    { hierarchy: 0, controllers: [], path: '/' },
  ]);
});

test('readCgroups(), listCgroupPids() and removeCgroup() follow a process in a real cgroup', async () => {
  const { mounts } = await findCgroups(await listMounts());
  const root = mounts.get('pids') ?? mounts.get('memory');
  assert(root !== undefined, 'this machine mounts no cgroups');
  const name = `berth-test-${process.pid}`;
  const directory = join(root, name);
  const child = spawn({ file: 'sleep', args: ['60'], env: { PATH: '/bin:/usr/bin' }, stdio: [] });
  try {
    await mkdir(join(directory, 'below'), { recursive: true });
    await writeFile(join(directory, 'cgroup.procs'), String(child.pid));
    assert.deepEqual(await listCgroupPids(directory), [child.pid]);
    assert((await readCgroups(child.pid)).some(({ path }) => path === `/${name}`));
    await assert.rejects(removeCgroup(directory), { code: 'EBUSY' });
  } finally {
    child.kill(9);
    await child.exited;
    await removeCgroup(directory);
  }
  assert(!existsSync(directory));
  assert.deepEqual(await listCgroupPids(directory), []);
  await removeCgroup(directory);
  await assert.rejects(readCgroups(child.pid), { code: 'ENOENT' });
});
