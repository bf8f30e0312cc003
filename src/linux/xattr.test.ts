import assert from 'node:assert/strict';
import { mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  lgetxattr,
  lgetxattrSync,
  llistxattr,
  llistxattrSync,
  lremovexattr,
  lremovexattrSync,
  lsetxattr,
  lsetxattrSync,
} from '#/linux/xattr.ts';

const value = Buffer.of(0, 1, 255, 0);

test('lsetxattr(), lgetxattr(), llistxattr() and lremovexattr() work on any bytes', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'xattr-'));
  const path = join(directory.path, 'file');
  await writeFile(path, '');
  await lsetxattr(path, 'trusted.one', value);
  lsetxattrSync(path, 'trusted.two', Buffer.of());
  assert.deepEqual((await llistxattr(path)).sort(), ['trusted.one', 'trusted.two']);
  assert.deepEqual(llistxattrSync(path).sort(), ['trusted.one', 'trusted.two']);
  assert.deepEqual(await lgetxattr(path, 'trusted.one'), value);
  assert.deepEqual(lgetxattrSync(path, 'trusted.two'), Buffer.of());
  await lremovexattr(path, 'trusted.one');
  lremovexattrSync(path, 'trusted.two');
  assert.deepEqual(await llistxattr(path), []);
  await assert.rejects(lgetxattr(path, 'trusted.one'), { code: 'ENODATA', syscall: 'lgetxattr', path });
  assert.throws(() => lremovexattrSync(path, 'trusted.one'), { code: 'ENODATA' });
});

test('lsetxattr() sets the attribute of a link, not of its target', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'xattr-'));
  const [path, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
  await writeFile(path, '');
  await symlink('file', link);
  await lsetxattr(link, 'trusted.one', value);
  assert.deepEqual(await llistxattr(path), []);
  assert.deepEqual(await lgetxattr(link, 'trusted.one'), value);
});

test('lsetxattr() says what is wrong with a name, a value and a path', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'xattr-'));
  const path = join(directory.path, 'file');
  await writeFile(path, '');
  await assert.rejects(lsetxattr(path, 'nonsense.one', value), { code: 'ENOTSUP' });
  await assert.rejects(lsetxattr(path, `user.${'x'.repeat(300)}`, value), { code: 'ENAMETOOLONG' });
  await assert.rejects(lsetxattr(path, 'user.one', Buffer.alloc(65_537)), { code: 'E2BIG' });
  await assert.rejects(llistxattr('/no/such/file'), { code: 'ENOENT', syscall: 'llistxattr', path: '/no/such/file' });
});
