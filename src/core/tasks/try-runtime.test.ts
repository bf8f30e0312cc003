import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tryRuntime } from '#/core/tasks/try-runtime.ts';
import { findAbilities } from '#/linux/abilities.ts';
import { listMounts } from '#/linux/mount-info.ts';

const limit = { timeout: 60_000 };
const busybox = { payload: '/bin/busybox', args: ['true'] };

test('tryRuntime() says whether an OCI runtime works here, and leaves nothing', limit, async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'trials-'));
  const directory = place.path;
  assert.equal(await tryRuntime({ ...busybox, directory, program: 'runc' }), undefined);
  assert.match((await tryRuntime({ ...busybox, args: ['false'], directory, program: 'runc' })) ?? '', /code 1/);
  assert.match((await tryRuntime({ ...busybox, directory, program: '/no/such/runtime' })) ?? '', /ENOENT/);
  const { cgroups } = await findAbilities(directory);
  const crun = await tryRuntime({ ...busybox, directory, program: 'crun' });
  if (cgroups.version === 'hybrid') assert.match(crun ?? '', /cgroup/, 'crun refuses hybrid cgroups');
  assert.deepEqual(await readdir(directory), []);
  assert.deepEqual(
    (await listMounts()).filter(({ target }) => target.startsWith(directory)),
    [],
  );
});

test('tryRuntime() gives up on a runtime that hangs', limit, async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'trials-'));
  const program = join(place.path, 'hangs');
  await writeFile(program, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  const why = await tryRuntime({ ...busybox, program, directory: place.path, timeoutMs: 200 });
  assert.notEqual(why, undefined);
  assert.deepEqual(await readdir(place.path), ['hangs']);
});
