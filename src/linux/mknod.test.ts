import assert from 'node:assert/strict';
import { constants, statSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mkfifo, mkfifoSync, mknod, mknodSync } from '#/linux/mknod.ts';

test('mknod() makes devices with large numbers and modes that no umask changes', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'mknod-'));
  const [one, two] = [join(directory.path, 'one'), join(directory.path, 'two')];
  await mknod(one, constants.S_IFCHR | 0o666, { major: 1, minor: 3 });
  assert(statSync(one).isCharacterDevice());
  assert.equal(statSync(one).rdev, 0x103);
  assert.equal(statSync(one).mode & 0o7777, 0o666);
  mknodSync(two, constants.S_IFBLK | 0o4640, { major: 0x123, minor: 0x45678 });
  assert(statSync(two).isBlockDevice());
  assert.equal(statSync(two).mode & 0o7777, 0o4640);
  assert.equal(statSync(two).rdev, (0x123 << 8) | 0x78 | (0x456 << 20));
  await assert.rejects(mknod(one, constants.S_IFCHR), { code: 'EEXIST', syscall: 'mknod', path: one });
});

test('mkfifo() makes FIFOs', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'mknod-'));
  const [one, two] = [join(directory.path, 'one'), join(directory.path, 'two')];
  await mkfifo(one, 0o622);
  mkfifoSync(two, 0o600);
  for (const path of [one, two]) assert(statSync(path).isFIFO());
  assert.equal(statSync(one).mode & 0o7777, 0o622);
  await assert.rejects(mkfifo(one, 0o600), { code: 'EEXIST', syscall: 'mkfifo' });
});
