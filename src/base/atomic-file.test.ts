import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { syncDirectory, writeFileAtomic } from '#/base/atomic-file.ts';

const directory = () => mkdtempDisposable(join(tmpdir(), 'atomic-'));

test('writeFileAtomic() makes and replaces a file, with its mode, and leaves nothing else', async () => {
  await using dir = await directory();
  const path = join(dir.path, 'state.json');
  await writeFileAtomic(path, 'one', 0o600);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFileAtomic(path, Uint8Array.from([0, 255]));
  assert.deepEqual(await readFile(path), Buffer.from([0, 255]));
  assert.deepEqual(await readdir(dir.path), ['state.json']);
});

test('writeFileAtomic() never shows a part of a file to a reader', async () => {
  await using dir = await directory();
  const path = join(dir.path, 'file');
  const contents = ['a', 'b'].map((letter) => letter.repeat(200_000));
  await writeFileAtomic(path, contents[0] ?? '');
  const write = async (): Promise<void> => {
    for (let count = 0; count < 20; count++) await writeFileAtomic(path, contents[count % 2] ?? '');
  };
  const read = async (): Promise<void> => {
    for (let count = 0; count < 60; count++) assert(contents.includes(await readFile(path, 'utf8')), 'a part was read');
  };
  await Promise.all([write(), read()]);
});

test('writeFileAtomic() that fails keeps the old content and leaves no temporary file', async () => {
  await using dir = await directory();
  const path = join(dir.path, 'taken');
  await mkdir(join(path, 'inside'), { recursive: true });
  await assert.rejects(writeFileAtomic(path, 'x'), { code: /EISDIR|ENOTEMPTY|EEXIST/ });
  assert.deepEqual(await readdir(dir.path), ['taken']);
  await assert.rejects(writeFileAtomic(join(dir.path, 'no', 'such', 'file'), 'x'), { code: 'ENOENT' });
});

test('syncDirectory() of a missing directory fails with its errno', async () => {
  await using dir = await directory();
  await syncDirectory(dir.path);
  await assert.rejects(syncDirectory(join(dir.path, 'nope')), { code: 'ENOENT' });
});
