import assert from 'node:assert/strict';
import { lstatSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lutimes, lutimesSync } from '#/linux/times.ts';

const timesOf = (path: string): bigint[] => {
  const { atimeNs, mtimeNs } = lstatSync(path, { bigint: true });
  return [atimeNs, mtimeNs];
};

test('lutimes() sets nanoseconds, also before 1970, and leaves what is absent', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'times-'));
  const path = join(directory.path, 'file');
  writeFileSync(path, '');
  await lutimes(path, { atime: 1_700_000_000_123_456_789n, mtime: -1n });
  assert.deepEqual(timesOf(path), [1_700_000_000_123_456_789n, -1n]);
  lutimesSync(path, { mtime: -5_000_000_000n });
  assert.deepEqual(timesOf(path), [1_700_000_000_123_456_789n, -5_000_000_000n]);
  await lutimes(path, { atime: 4_294_967_296_000_000_001n });
  assert.deepEqual(timesOf(path), [4_294_967_296_000_000_001n, -5_000_000_000n]);
  await assert.rejects(lutimes('/no/such', { mtime: 0n }), { code: 'ENOENT', syscall: 'utimensat', path: '/no/such' });
});

test('lutimes() sets the time of a link, not of its target', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'times-'));
  const [path, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
  writeFileSync(path, '');
  symlinkSync('file', link);
  const before = timesOf(path);
  lutimesSync(link, { atime: 1n, mtime: 2n });
  assert.deepEqual(timesOf(link), [1n, 2n]);
  assert.deepEqual(timesOf(path), before);
});
