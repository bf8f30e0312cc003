import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readAll, testContent } from '#/core/content/content.fixture.ts';
import { mount, unmountAll } from '#/linux/mount.ts';
import { digestOf } from '#/oci/digest.ts';

const mebibyte = 1024 * 1024;

test('write() to a full disk is resource-exhausted with path and free space, and the upload goes on when there is room', async () => {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'full-')));
  await mount({ type: 'tmpfs', source: 'tmpfs', options: ['size=3m'], target: dir.path });
  stack.defer(() => unmountAll(dir.path));
  const { content } = stack.use(await testContent({ root: dir.path }));
  const filler = randomBytes(mebibyte + mebibyte / 2);
  const { digest: filling } = await content.put('default', filler);

  const data = randomBytes(2 * mebibyte);
  const ingest = stack.use(await content.openIngest('default', { ref: 'layer', expected: digestOf(data) }));
  await ingest.write(data.subarray(0, mebibyte));
  await assert.rejects(ingest.write(data.subarray(mebibyte)), (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'resource-exhausted');
    assert.ok(error.message.includes(dir.path), error.message);
    assert.match(error.message, /\d+ bytes are free/);
    return true;
  });
  assert.equal(ingest.status().offset, mebibyte);
  const [directory = ''] = await readdir(join(dir.path, 'ingest'));
  assert.equal((await stat(join(dir.path, 'ingest', directory, 'data'))).size, mebibyte);
  assert.equal(ingest.digest(), digestOf(data.subarray(0, mebibyte)));
  await assert.rejects(content.put('default', randomBytes(mebibyte)), { kind: 'resource-exhausted' });
  assert.deepEqual(await readAll(content, 'default', filling), filler);

  await content.delete('default', filling);
  assert.equal(await content.sweep(), filler.length);
  await ingest.write(data.subarray(mebibyte));
  assert.deepEqual(await readAll(content, 'default', (await ingest.commit()).digest), data);
});

test('openIngest() without an inode left is resource-exhausted and leaves no record', async () => {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'full-')));
  await mount({ type: 'tmpfs', source: 'tmpfs', options: ['nr_inodes=6'], target: dir.path });
  stack.defer(() => unmountAll(dir.path));
  const { content } = stack.use(await testContent({ root: dir.path }));
  await assert.rejects(content.openIngest('default', { ref: 'layer' }), { kind: 'resource-exhausted' });
  assert.deepEqual(await content.listIngests('default'), []);
});
