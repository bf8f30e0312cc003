import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { leaveIngest, makeLease, readAll, testContent, upload } from '#/core/content/content.fixture.ts';
import { digestOf } from '#/oci/digest.ts';

const data = randomBytes(1024 * 1024 + 5);
const digest = digestOf(data);
const half = data.subarray(0, 600_000);
const rest = data.subarray(600_000);
const empty = digestOf('');

test('openIngest() refuses a ref that another holds, until that one closes', async () => {
  await using store = await testContent();
  const { content } = store;
  const first = await content.openIngest('default', { ref: 'layer-1' });
  const again = content.openIngest('default', { ref: 'layer-1' });
  await assert.rejects(again, { kind: 'unavailable', message: /ref layer-1 locked for / });
  const other = await content.openIngest('other', { ref: 'layer-1' });
  await other[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  const second = await content.openIngest('default', { ref: 'layer-1' });
  await second[Symbol.asyncDispose]();
});

test('openIngest() by two at once lets one in', async () => {
  await using store = await testContent();
  const { content } = store;
  const both = await Promise.allSettled([1, 2].map(() => content.openIngest('default', { ref: 'layer' })));
  assert.deepEqual(both.map((result) => result.status).sort(), ['fulfilled', 'rejected']);
  for (const result of both) if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]();
});

test('openIngest() of an expected blob that is here is already-exists, and the lease gets it', async () => {
  await using store = await testContent();
  const { content, metadata } = store;
  const held = await makeLease(metadata, 'l');
  await upload(content, 'default', data, { ref: 'layer' });
  const again = content.openIngest('default', { ref: 'layer', expected: digest, lease: 'l' });
  await assert.rejects(again, { kind: 'already-exists' });
  assert.deepEqual(held(), [`content ${digest}`]);
  assert.deepEqual(await content.listIngests('default'), []);
});

test('openIngest() of an unknown lease is not-found and leaves nothing', async () => {
  await using store = await testContent();
  const { content, root } = store;
  const opening = content.openIngest('default', { ref: 'layer', lease: 'nope' });
  await assert.rejects(opening, { kind: 'not-found' });
  assert.deepEqual(await content.listIngests('default'), []);
  assert.deepEqual(await readdir(join(root, 'ingest')), []);
  await leaveIngest(content, 'default', half, { ref: 'layer' });
});

test('openIngest() refuses an empty or overlong ref and a size that is none', async () => {
  await using store = await testContent();
  const { content } = store;
  const refused = { kind: 'invalid-argument' };
  await assert.rejects(content.openIngest('default', { ref: '' }), refused);
  await assert.rejects(content.openIngest('default', { ref: 'x'.repeat(5000) }), refused);
  await assert.rejects(content.openIngest('default', { ref: 'x', total: -1 }), refused);
  await assert.rejects(content.openIngest('default', { ref: 'x', total: 0.5 }), refused);
  assert.deepEqual(await content.listIngests('default'), []);
});

test('a ref with slashes and dots stays inside the ingest directory', async () => {
  await using store = await testContent();
  const { content, root } = store;
  await leaveIngest(content, 'default', half, { ref: '../../../etc/passwd' });
  assert.equal((await readdir(join(root, 'ingest'))).length, 1);
  assert.equal((await content.ingestStatus('default', '../../../etc/passwd')).offset, half.length);
});

test('status() and digest() follow what is written; listIngests() sees open and left uploads', async () => {
  await using store = await testContent();
  const { content } = store;
  await using ingest = await content.openIngest('default', { ref: 'layer', total: data.length, expected: digest });
  const before = ingest.status();
  assert.deepEqual([before.ref, before.offset, before.total, before.expected], ['layer', 0, data.length, '']);
  assert.equal(ingest.digest(), empty);
  await ingest.write(half);
  assert.equal(ingest.digest(), digestOf(half));
  assert.equal(ingest.digest(), digestOf(half));
  assert.ok(ingest.status().updatedAt > before.updatedAt);
  assert.equal(ingest.status().startedAt, before.startedAt);
  assert.deepEqual(await content.ingestStatus('default', 'layer'), ingest.status());
  await leaveIngest(content, 'default', rest, { ref: 'left', total: 7 });
  const [layer, left] = await content.listIngests('default');
  assert.deepEqual([layer?.ref, layer?.offset], ['layer', half.length]);
  assert.deepEqual([left?.ref, left?.offset, left?.total], ['left', rest.length, 7]);
  assert.deepEqual(await content.listIngests('other'), []);
});

test('writes that are not awaited one by one arrive in order', async () => {
  await using store = await testContent();
  const { content } = store;
  await using ingest = await content.openIngest('default', { ref: 'layer' });
  const pieces = Array.from({ length: 50 }, (_, at) => data.subarray(at * 20_000, (at + 1) * 20_000));
  await Promise.all(pieces.map((piece) => ingest.write(piece)));
  assert.equal((await ingest.commit()).digest, digestOf(data.subarray(0, 1_000_000)));
});

test('truncate() starts over from nothing', async () => {
  await using store = await testContent();
  const { content } = store;
  await using ingest = await content.openIngest('default', { ref: 'layer', expected: digest });
  await ingest.write(rest);
  await ingest.truncate();
  assert.equal(ingest.status().offset, 0);
  assert.equal(ingest.digest(), empty);
  await ingest.write(data);
  assert.equal((await ingest.commit({ size: data.length })).digest, digest);
});

test('commit() with a wrong size or digest is failed-precondition, keeps the data, and may be repeated', async () => {
  await using store = await testContent();
  const { content, metadata } = store;
  {
    await using ingest = await content.openIngest('default', { ref: 'layer' });
    await ingest.write(half);
    await assert.rejects(ingest.commit({ size: data.length }), {
      kind: 'failed-precondition',
      message: /has 600000 bytes where 1048581 were expected/,
    });
    await assert.rejects(ingest.commit({ expected: digest }), {
      kind: 'failed-precondition',
      message: /its digest is/,
    });
  }
  assert.deepEqual(content.list('default'), []);
  await using resumed = await content.openIngest('default', { ref: 'layer', expected: digest, total: data.length });
  assert.equal(resumed.status().offset, half.length);
  assert.equal(resumed.digest(), digestOf(half));
  await resumed.write(rest);
  assert.equal((await resumed.commit()).digest, digest);
  assert.deepEqual(metadata.read.ingests.list('default'), []);
});

test('commit() compares with the latest total and digest that its holder named, not with those of an earlier one', async () => {
  await using store = await testContent();
  const { content } = store;
  await leaveIngest(content, 'default', half, { ref: 'layer', total: data.length, expected: digest });
  await using ingest = await content.openIngest('default', { ref: 'layer' });
  assert.equal(ingest.status().total, data.length);
  ingest.setTotal(1);
  await assert.rejects(ingest.commit(), { kind: 'failed-precondition' });
  assert.throws(() => ingest.setTotal(-1), { kind: 'invalid-argument' });
  ingest.setTotal(half.length);
  assert.equal((await ingest.commit({ labels: { a: 'b' } })).digest, digestOf(half));
  assert.deepEqual(content.info('default', digestOf(half)).labels, { a: 'b' });
});

test('commit() of a blob that came meanwhile is already-exists; the ingest goes and the lease gets the blob', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  const held = await makeLease(metadata, 'l');
  await using ingest = await content.openIngest('default', { ref: 'slow', expected: digest, lease: 'l' });
  assert.deepEqual(held(), ['ingests slow']);
  await ingest.write(data);
  await upload(content, 'default', data, { ref: 'fast' });
  await assert.rejects(ingest.commit(), { kind: 'already-exists' });
  assert.deepEqual(held(), [`content ${digest}`]);
  assert.deepEqual(await readdir(join(root, 'ingest')), []);
  assert.deepEqual(await readAll(content, 'default', digest), data);
});

test('commit() moves the lease from the ingest to the blob', async () => {
  await using store = await testContent();
  const { content, metadata } = store;
  const held = await makeLease(metadata, 'l');
  await upload(content, 'default', data, { ref: 'layer', lease: 'l' });
  assert.deepEqual(held(), [`content ${digest}`]);
});

test('commit() by two namespaces of one blob at once keeps it for both', async () => {
  await using store = await testContent();
  const { content } = store;
  await Promise.all(['one', 'two'].map((name) => upload(content, name, data, { ref: 'layer' })));
  assert.deepEqual(await readAll(content, 'one', digest), data);
  assert.deepEqual(await readAll(content, 'two', digest), data);
});

test('commit() whose record cannot be written puts the bytes back for the next try', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  await makeLease(metadata, 'l');
  {
    await using ingest = await content.openIngest('default', { ref: 'layer', lease: 'l' });
    await ingest.write(half);
    await metadata.write((tx) => tx.leases.delete('default', 'l'));
    await assert.rejects(ingest.commit(), { kind: 'not-found' });
    await ingest.write(rest);
  }
  assert.deepEqual(await readdir(join(root, 'blobs', 'sha256')), []);
  assert.equal((await upload(content, 'default', Buffer.alloc(0), { ref: 'layer' })).digest, digest);
});

test('commit() of an upload that somebody cut on the disk is data-loss', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  await using ingest = await content.openIngest('default', { ref: 'layer' });
  await ingest.write(data);
  const { directory } = metadata.read.ingests.get('default', 'layer');
  await truncate(join(root, 'ingest', directory, 'data'), 10);
  await assert.rejects(ingest.commit({ expected: digest }), { kind: 'data-loss', message: /has 10 bytes/ });
  assert.deepEqual(content.list('default'), []);
});

test('commit() of nothing makes the empty blob', async () => {
  await using store = await testContent();
  const { content } = store;
  await using ingest = await content.openIngest('default', { ref: 'layer', expected: empty });
  assert.equal((await ingest.commit({ size: 0 })).size, 0);
  assert.equal((await readAll(content, 'default', empty)).length, 0);
});

test('an ingest does nothing more once it is committed or closed', async () => {
  await using store = await testContent();
  const { content } = store;
  const ingest = await content.openIngest('default', { ref: 'layer' });
  await ingest.write(data);
  await ingest.commit();
  await assert.rejects(ingest.write(data), { kind: 'aborted', message: /it is committed/ });
  await assert.rejects(ingest.commit(), { kind: 'aborted' });
  await ingest[Symbol.asyncDispose]();
  await ingest[Symbol.asyncDispose]();
  await assert.rejects(ingest.truncate(), { kind: 'aborted', message: /it is closed/ });
  assert.deepEqual(await readAll(content, 'default', digest), data);
});

test('abortIngest() drops data, record and lease entry, and stops a holder', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  const held = await makeLease(metadata, 'l');
  await using ingest = await content.openIngest('default', { ref: 'layer', lease: 'l' });
  await ingest.write(data);
  await content.abortIngest('default', 'layer');
  assert.deepEqual(held(), []);
  assert.deepEqual(await readdir(join(root, 'ingest')), []);
  await assert.rejects(ingest.write(data), { kind: 'aborted' });
  await assert.rejects(ingest.commit(), { kind: 'aborted' });
  await assert.rejects(content.abortIngest('default', 'layer'), { kind: 'not-found' });
  assert.deepEqual(content.list('default'), []);
});
