import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listMounts } from '#/linux/mount-info.ts';
import { mount, withMounts } from '#/linux/mount.ts';

test('mount() of a type such as "fuse3.fuse-overlayfs" has its helper start the program', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'fuse-'));
  const [lower, upper, work, place] = ['lower', 'upper', 'work', 'place'].map((name) => join(dir.path, name));
  assert.ok(lower !== undefined && upper !== undefined && place !== undefined);
  for (const directory of [lower, upper, `${work}`, place]) await mkdir(directory);
  await writeFile(join(lower, 'below'), 'x');
  const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`];
  const wish = { type: 'fuse3.fuse-overlayfs', source: 'overlay', options };
  await withMounts([wish], place, async (target) => {
    assert.ok((await listMounts()).some((found) => found.target === target && found.type.startsWith('fuse')));
    await writeFile(join(target, 'above'), 'y');
    assert.deepEqual((await readdir(target)).sort(), ['above', 'below']);
  });
  assert.deepEqual([await readdir(place), await readdir(upper)], [[], ['above']]);
});

test('mount() of such a type says what the helper said, and when there is none', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'fuse-'));
  const wish = (type: string) => ({ type, source: 'nothing', options: [], target: dir.path });
  const failed = {
    kind: 'unavailable',
    message: /of type "fuse3\.no-such-program" on .*mount\.fuse3" ended with \d+: ./,
  };
  await assert.rejects(mount(wish('fuse3.no-such-program')), failed);
  const path = process.env['PATH'];
  process.env['PATH'] = dir.path;
  try {
    await assert.rejects(mount(wish('fuse.x')), { kind: 'unavailable', message: /"mount\.fuse" cannot be run/ });
  } finally {
    process.env['PATH'] = path;
  }
});
