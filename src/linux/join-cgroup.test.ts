import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeNamedCgroup } from '#/linux/cgroup.ts';

const file = join(import.meta.dirname, 'join-cgroup.ts');

test('joinCgroup() moves the process into a cgroup of every hierarchy, made if need be', async () => {
  const name = `join-${randomBytes(4).toString('hex')}`;
  try {
    const script = `
      const { joinCgroup } = await import(${JSON.stringify(file)});
      const { readCgroups } = await import('#/linux/cgroup.ts');
      await joinCgroup('/${name}/inner');
      console.log(JSON.stringify((await readCgroups('self')).map(({ path }) => path)));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const paths = JSON.parse(stdout || '[]') as string[];
    assert(paths.length > 0, stderr);
    assert(
      paths.some((path) => path.endsWith(`/${name}/inner`)),
      stdout,
    );
  } finally {
    await removeNamedCgroup(name);
  }
});

test('joinCgroup() refuses a path that leaves the hierarchy', async () => {
  const { joinCgroup } = await import('#/linux/join-cgroup.ts');
  await assert.rejects(joinCgroup('../../x'), { kind: 'invalid-argument' });
});
