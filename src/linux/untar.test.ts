import assert from 'node:assert/strict';
import { lstatSync, readFileSync, readlinkSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  createFile,
  finishFile,
  hardLink,
  lchownMode,
  makeDirectory,
  makeSymlink,
  writeFileWhole,
} from '#/linux/untar.ts';

const openDirectory = () => mkdtempDisposable(join(tmpdir(), 'untar-'));
const attributes = { mode: 0o4751, uid: 1234, gid: 4_294_967_294, seconds: -2, nanoseconds: 123_456_789 };

function facts(path: string): unknown {
  const { mode, uid, gid, mtimeNs } = lstatSync(path, { bigint: true });
  return { mode: Number(mode).toString(8), uid: Number(uid), gid: Number(gid), mtimeNs };
}
const owned = { uid: 1234, gid: 4_294_967_294, mtimeNs: -1_876_543_211n };

test('writeFileWhole() writes content, owner, mode with set-user-id and a time before 1970', async () => {
  await using directory = await openDirectory();
  const path = join(directory.path, 'file');
  const shared = new Uint8Array(new SharedArrayBuffer(100_000), 10, 90_000).fill(7);
  writeFileWhole(path, attributes, shared);
  assert.deepEqual(facts(path), { ...owned, mode: '104751' });
  assert.deepEqual(readFileSync(path), Buffer.alloc(90_000, 7));
  writeFileWhole(`${path}2`, { ...attributes, mode: 0o100644 }, Buffer.of());
  assert.deepEqual(facts(`${path}2`), { ...owned, mode: '100644' });
});

test('writeFileWhole() and createFile() never write through what is there', async () => {
  await using directory = await openDirectory();
  const [victim, link] = [join(directory.path, 'victim'), join(directory.path, 'link')];
  writeFileSync(victim, 'safe');
  symlinkSync(victim, link);
  for (const path of [victim, link]) {
    assert.throws(() => writeFileWhole(path, attributes, Buffer.from('bad')), {
      code: 'EEXIST',
      syscall: 'open',
      path,
    });
    assert.throws(() => createFile(path), { code: 'EEXIST' });
  }
  assert.equal(readFileSync(victim, 'utf8'), 'safe');
});

test('createFile() and finishFile() write a file piece by piece', async () => {
  await using directory = await openDirectory();
  const path = join(directory.path, 'file');
  const fd = createFile(path);
  writeSync(fd, 'piece by ');
  writeSync(fd, 'piece');
  finishFile(fd, attributes);
  assert.deepEqual(facts(path), { ...owned, mode: '104751' });
  assert.equal(readFileSync(path, 'utf8'), 'piece by piece');
  assert.throws(() => finishFile(fd, attributes), { code: 'EBADF' });
});

test('makeDirectory() is not bound by the umask', async () => {
  await using directory = await openDirectory();
  const path = join(directory.path, 'directory');
  makeDirectory(path, { ...attributes, mode: 0o3777 });
  assert.deepEqual(facts(path), { ...owned, mode: '43777' });
  assert.throws(() => makeDirectory(path, attributes), { code: 'EEXIST', syscall: 'mkdir' });
});

test('makeSymlink() and lchownMode() work on a link itself', async () => {
  await using directory = await openDirectory();
  const [target, link] = [join(directory.path, 'target'), join(directory.path, 'link')];
  writeFileSync(target, '', { mode: 0o600 });
  makeSymlink(target, link, attributes);
  assert.equal(readlinkSync(link), target);
  assert.deepEqual(facts(link), { ...owned, mode: '120777' });
  lchownMode(link, { ...attributes, uid: 5 });
  assert.deepEqual(facts(link), { ...owned, uid: 5, mode: '120777' });
  assert.equal(lstatSync(target).mode & 0o7777, 0o600);
  assert.equal(lstatSync(target).uid, 0);
  lchownMode(target, attributes);
  assert.deepEqual(facts(target), { ...owned, mode: '104751' });
});

test('hardLink() gives a symbolic link a second name, not its target', async () => {
  await using directory = await openDirectory();
  const [link, second] = [join(directory.path, 'link'), join(directory.path, 'second')];
  symlinkSync('/etc/passwd', link);
  hardLink(link, second);
  assert.equal(lstatSync(second).ino, lstatSync(link).ino);
  assert.throws(() => hardLink('/no/such', second), { code: 'ENOENT', syscall: 'link', dest: second });
});

test('paths may be bytes that are not UTF-8; NUL, too long names and impossible owners are refused', async () => {
  await using directory = await openDirectory();
  const path = Buffer.concat([Buffer.from(`${directory.path}/`), Buffer.of(0xff, 0xfe)]);
  writeFileWhole(path, attributes, Buffer.from('bytes'));
  assert.equal(readFileSync(path, 'utf8'), 'bytes');
  const write = (name: string, uid: number) => () => writeFileWhole(name, { ...attributes, uid }, Buffer.of());
  assert.throws(write(join(directory.path, 'a\0b'), 0), { code: 'EINVAL' });
  assert.throws(write(join(directory.path, 'ü'.repeat(2100)), 0), { code: 'ENAMETOOLONG' });
  assert.throws(write(join(directory.path, 'new'), 4_294_967_295), { code: 'EINVAL' });
  assert.throws(write(join(directory.path, 'new'), -1), { code: 'EINVAL' });
});
