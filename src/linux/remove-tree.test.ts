import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mount, unmountAll } from '#/linux/mount.ts';
import { removeTree } from '#/linux/remove-tree.ts';

test('removeTree() deletes a tree of several thousand entries, and follows no link', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'remove-'));
  const tree = join(dir.path, 'tree');
  await writeFile(join(dir.path, 'kept'), '');
  await mkdir(join(dir.path, 'other/inner'), { recursive: true });
  for (let at = 0; at < 30; at++) {
    const place = join(tree, `d${at}`, 'e/f');
    await mkdir(place, { recursive: true });
    await Promise.all(Array.from({ length: 100 }, (_, name) => writeFile(join(place, `${name}`), '')));
    await symlink(join(dir.path, 'other'), join(tree, `d${at}/link`));
  }
  await removeTree(tree);
  assert.deepEqual(await readdir(dir.path), ['kept', 'other']);
  assert.deepEqual(await readdir(join(dir.path, 'other')), ['inner']);
});

test('removeTree() deletes a tree that is deeper than a path can be long', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'remove-'));
  const tree = join(dir.path, 'tree');
  const piece = 'd'.repeat(200);
  // Made from the bottom up, so that no path is ever too long.
  await mkdir(join(dir.path, 'deep/file'), { recursive: true });
  for (let at = 0; at < 60; at++) {
    await mkdir(join(dir.path, 'next'));
    await rename(join(dir.path, 'deep'), join(dir.path, 'next', piece));
    await rename(join(dir.path, 'next'), join(dir.path, 'deep'));
  }
  await rename(join(dir.path, 'deep'), tree);
  await removeTree(tree);
  assert.deepEqual(await readdir(dir.path), []);
});

test('removeTree() deletes a file and a link, and is content with nothing', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'remove-'));
  await writeFile(join(dir.path, 'file'), '');
  await symlink(dir.path, join(dir.path, 'link'));
  for (const name of ['file', 'link', 'nothing']) await removeTree(join(dir.path, name));
  assert.deepEqual(await readdir(dir.path), []);
});

test('removeTree() stops at a mount, and leaves what is below it', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'remove-'));
  const [tree, inside] = [join(dir.path, 'tree'), join(dir.path, 'tree/a/mounted')];
  await mkdir(inside, { recursive: true });
  await mount({ type: 'tmpfs', source: 'tmpfs', options: [], target: inside });
  try {
    await writeFile(join(inside, 'file'), '');
    await assert.rejects(removeTree(tree), { code: 'EBUSY' });
    assert.deepEqual(await readdir(inside), ['file']);
  } finally {
    await unmountAll(inside);
  }
  await removeTree(tree);
  assert.deepEqual(await readdir(dir.path), []);
});
