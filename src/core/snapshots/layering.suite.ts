import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { read, testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';
import { mknod } from '#/linux/mknod.ts';
import { lutimes } from '#/linux/times.ts';
import { lgetxattr, lsetxattr } from '#/linux/xattr.ts';

/** How layers show through each other, with real mounts. */
export function layeringContract(name: string, open: OpenSnapshotter): void {
  test(`${name}: prepare() without a parent gives an empty root of root's with mode 0755`, async () => {
    await using t = await testSnapshots(open);
    assert.equal(t.snapshots.name, name);
    const mounts = await t.snapshots.prepare('default', 'a', '');
    await t.within(mounts, async (root) => {
      const { uid, gid, mode } = await stat(root);
      assert.deepEqual([uid, gid, mode & 0o7777], [0, 0, 0o755]);
      assert.deepEqual(await readdir(root), []);
      await writeFile(join(root, 'f'), 'x');
    });
    assert.equal(await t.within(await t.snapshots.mounts('default', 'a'), read('f')), 'x');
  });

  test(`${name}: a layer sees what is below it, changes only itself, and its children see the change`, async () => {
    await using t = await testSnapshots(open);
    await t.layer('one', '', async (root) => {
      await writeFile(join(root, 'kept'), 'one');
      await writeFile(join(root, 'changed'), 'one');
      await writeFile(join(root, 'removed'), 'one');
    });
    await t.layer('two', 'one', async (root) => {
      assert.equal(await readFile(join(root, 'changed'), 'utf8'), 'one');
      await writeFile(join(root, 'changed'), 'two');
      await rm(join(root, 'removed'));
    });
    const view = async (key: string, parent: string): Promise<string[]> =>
      await t.within(await t.snapshots.view('default', key, parent), async (root) =>
        Promise.all(
          (await readdir(root)).sort().map(async (file) => `${file}=${await readFile(join(root, file), 'utf8')}`),
        ),
      );
    assert.deepEqual(await view('v1', 'one'), ['changed=one', 'kept=one', 'removed=one']);
    assert.deepEqual(await view('v2', 'two'), ['changed=two', 'kept=one']);
  });

  test(`${name}: a removed file, a removed directory and a directory made anew stay as the upper layer says`, async () => {
    await using t = await testSnapshots(open);
    await t.layer('one', '', async (root) => {
      for (const directory of ['anew', 'gone', 'both']) {
        await mkdir(join(root, directory));
        await writeFile(join(root, directory, 'below'), 'x');
      }
    });
    await t.layer('two', 'one', async (root) => {
      await rm(join(root, 'gone'), { recursive: true });
      await rm(join(root, 'anew'), { recursive: true });
      await mkdir(join(root, 'anew'));
      await writeFile(join(root, 'anew', 'above'), 'x');
      await writeFile(join(root, 'both', 'above'), 'x');
    });
    await t.layer('three', 'two', write('more', 'x'));
    await t.within(await t.snapshots.prepare('default', 'c', 'three'), async (root) => {
      assert.deepEqual((await readdir(root)).sort(), ['anew', 'both', 'more']);
      assert.deepEqual(await readdir(join(root, 'anew')), ['above']);
      assert.deepEqual((await readdir(join(root, 'both'))).sort(), ['above', 'below']);
    });
  });

  test(`${name}: a directory can become a file or a link, and back`, async () => {
    await using t = await testSnapshots(open);
    await t.layer('one', '', async (root) => {
      await mkdir(join(root, 'a'));
      await writeFile(join(root, 'a', 'f'), 'x');
      await writeFile(join(root, 'b'), 'x');
    });
    await t.layer('two', 'one', async (root) => {
      await rm(join(root, 'a'), { recursive: true });
      await symlink('b', join(root, 'a'));
      await rm(join(root, 'b'));
      await mkdir(join(root, 'b'));
    });
    await t.layer('three', 'two', async (root) => {
      assert.equal(await readlink(join(root, 'a')), 'b');
      assert.ok((await stat(join(root, 'b'))).isDirectory());
      await rm(join(root, 'a'));
      await mkdir(join(root, 'a'));
    });
    await t.within(await t.snapshots.view('default', 'v', 'three'), async (root) => {
      assert.deepEqual(await readdir(join(root, 'a')), []);
    });
  });

  test(`${name}: owners, modes, xattrs, times, devices and links survive into the layer above`, async () => {
    await using t = await testSnapshots(open);
    const mtime = 1_234_567_890_123_456_789n;
    await t.layer('one', '', async (root) => {
      await chown(root, 12, 34);
      await chmod(root, 0o750);
      await writeFile(join(root, 'file'), 'x');
      await chown(join(root, 'file'), 1000, 1001);
      await chmod(join(root, 'file'), 0o4711);
      await lsetxattr(join(root, 'file'), 'user.note', Buffer.of(0, 1, 255));
      await lutimes(join(root, 'file'), { mtime });
      await link(join(root, 'file'), join(root, 'hard'));
      await symlink('/nowhere', join(root, 'soft'));
      await lutimes(join(root, 'soft'), { mtime });
      await mknod(join(root, 'null'), 0o020666, { major: 1, minor: 3 });
      await mknod(join(root, 'pipe'), 0o010640);
      await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0xfe)]), 'bytes');
    });
    await t.within(await t.snapshots.prepare('default', 'c', 'one'), async (root) => {
      const top = await stat(root);
      assert.deepEqual([top.uid, top.gid, top.mode & 0o7777], [12, 34, 0o750]);
      const file = await lstat(join(root, 'file'), { bigint: true });
      assert.deepEqual([file.uid, file.gid, file.mode & 0o7777n, file.mtimeNs], [1000n, 1001n, 0o4711n, mtime]);
      assert.equal(file.nlink, 2n);
      assert.equal((await lstat(join(root, 'hard'), { bigint: true })).ino, file.ino);
      assert.deepEqual(await lgetxattr(join(root, 'file'), 'user.note'), Buffer.of(0, 1, 255));
      assert.equal(await readlink(join(root, 'soft')), '/nowhere');
      assert.equal((await lstat(join(root, 'soft'), { bigint: true })).mtimeNs, mtime);
      const device = await lstat(join(root, 'null'));
      assert.deepEqual([device.isCharacterDevice(), device.rdev, device.mode & 0o777], [true, 0x103, 0o666]);
      const pipe = await lstat(join(root, 'pipe'));
      assert.deepEqual([pipe.isFIFO(), pipe.mode & 0o777], [true, 0o640]);
      assert.ok((await readdir(root, 'buffer')).some((entry) => entry.equals(Buffer.of(0xff, 0xfe))));
    });
    await t.snapshots.remove('default', 'c');
    await t.snapshots.cleanup();
  });

  test(`${name}: twenty layers mount and show the topmost of each file`, async () => {
    await using t = await testSnapshots(open);
    for (let depth = 1; depth <= 20; depth++)
      await t.layer(`l${depth}`, depth === 1 ? '' : `l${depth - 1}`, async (root) => {
        await writeFile(join(root, 'top'), String(depth));
        await writeFile(join(root, `f${depth}`), String(depth));
      });
    await t.within(await t.snapshots.prepare('default', 'c', 'l20'), async (root) => {
      assert.equal(await readFile(join(root, 'top'), 'utf8'), '20');
      assert.equal((await readdir(root)).length, 21);
      await writeFile(join(root, 'f1'), 'mine');
    });
    assert.equal(await t.within(await t.snapshots.view('default', 'v', 'l20'), read('f1')), '1');
  });
}
