import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { leaveIngest, makeLease, readAll, testContent, upload } from '#/core/content/content.fixture.ts';
import { openContent } from '#/core/content/open-content.ts';
import { digestOf } from '#/oci/digest.ts';

const data = randomBytes(1024 * 1024 + 5);
const digest = digestOf(data);
const half = data.subarray(0, 600_000);
const rest = data.subarray(600_000);
const empty = digestOf('');

test('a known total that differs from the one known before starts the upload again', async () => {
  await using store = await testContent();
  const { content } = store;
  await leaveIngest(content, 'default', half, { ref: 'layer', total: 700_000 });
  await using ingest = await content.openIngest('default', { ref: 'layer', total: data.length });
  assert.equal(ingest.status().offset, 0);
  assert.equal(ingest.status().total, data.length);
  assert.equal(ingest.digest(), empty);
  await ingest.write(data);
  assert.equal((await ingest.commit()).digest, digest);
});

test('a blob that another namespace has needs no bytes: the ingest starts complete, and commit() links it', async () => {
  await using store = await testContent();
  const { content, root } = store;
  await upload(content, 'one', data, { ref: 'layer' });
  await using ingest = await content.openIngest('two', { ref: 'layer', expected: digest, total: data.length });
  const status = ingest.status();
  assert.deepEqual([status.offset, status.expected, ingest.digest()], [data.length, digest, digest]);
  await content.delete('one', digest);
  assert.equal(await content.sweep(), 0, 'the bytes wait for the ingest');
  const record = await ingest.commit({ size: data.length, expected: digest, labels: { a: 'b' } });
  assert.deepEqual([record.size, record.labels], [data.length, { a: 'b' }]);
  assert.deepEqual(await readAll(content, 'two', digest), data);
  assert.deepEqual(await readdir(join(root, 'ingest')), []);
});

test('an ingest that started complete can be left, resumed, written to and started over', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'one', half, { ref: 'layer' });
  const options = { ref: 'layer', expected: digestOf(half) };
  await using first = await content.openIngest('two', options);
  await first[Symbol.asyncDispose]();
  assert.equal((await content.ingestStatus('two', 'layer')).offset, half.length);
  await using second = await content.openIngest('two', options);
  assert.equal(second.status().offset, half.length);
  await second.write(rest);
  assert.deepEqual([second.digest(), second.status().expected], [digest, '']);
  await second.truncate();
  await second.write(Buffer.from('other'));
  assert.equal((await second.commit({ expected: digestOf('other') })).size, 5);
  assert.deepEqual(await readAll(content, 'one', digestOf(half)), half);
  await using third = await content.openIngest('two', options);
  await third.truncate();
  await third.write(data);
  assert.equal((await third.commit({ expected: digest })).digest, digest);
  assert.deepEqual(await readAll(content, 'one', digestOf(half)), half);
});

test('a blob of another namespace whose size is not the total that was named is uploaded again', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'one', data, { ref: 'layer' });
  await using ingest = await content.openIngest('two', { ref: 'layer', expected: digest, total: data.length + 1 });
  assert.equal(ingest.status().offset, 0);
});

test('with the isolated policy bytes are uploaded again, unless a namespace that has them is shareable', async () => {
  await using store = await testContent({ sharing: 'isolated' });
  const { content, metadata } = store;
  await upload(content, 'one', data, { ref: 'layer' });
  {
    await using ingest = await content.openIngest('two', { ref: 'layer', expected: digest });
    assert.equal(ingest.status().offset, 0);
    await ingest.write(data);
    await ingest.commit();
  }
  const labels = { 'containerd.io/namespace.shareable': 'true' };
  await metadata.write((tx) => tx.putNamespace({ name: 'one', labels }));
  await using shared = await content.openIngest('three', { ref: 'layer', expected: digest });
  assert.equal(shared.status().offset, data.length);
});

test('openIngest() does not share a damaged blob; the upload repairs it for everybody', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'one', data, { ref: 'layer' });
  await truncate(content.blobPath('one', digest), 5);
  await using ingest = await content.openIngest('two', { ref: 'layer', expected: digest });
  assert.equal(ingest.status().offset, 0);
  await ingest.write(data);
  await ingest.commit();
  assert.deepEqual(await readAll(content, 'one', digest), data);
});

test('openContent() resumes uploads after a restart, with offset, digest and total', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  await leaveIngest(content, 'default', half, { ref: 'layer', total: data.length });
  const reopened = await openContent({ root, metadata });
  const [status] = await reopened.listIngests('default');
  assert.deepEqual([status?.offset, status?.total], [half.length, data.length]);
  await using ingest = await reopened.openIngest('default', { ref: 'layer', total: data.length, expected: digest });
  assert.deepEqual([ingest.status().offset, ingest.digest()], [half.length, digestOf(half)]);
  await ingest.write(rest);
  assert.equal((await ingest.commit()).digest, digest);
});

test('openContent() clears away directories without record, records without data, and temporary files', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  const held = await makeLease(metadata, 'l');
  await leaveIngest(content, 'default', half, { ref: 'kept' });
  await leaveIngest(content, 'default', half, { ref: 'lost', lease: 'l' });
  await rm(join(root, 'ingest', metadata.read.ingests.get('default', 'lost').directory), { recursive: true });
  await mkdir(join(root, 'ingest', 'unknown'));
  await writeFile(join(root, 'ingest', 'unknown', 'data'), 'x');
  await writeFile(join(root, 'blobs', 'sha256', `${digest.slice(7)}.aabbccddeeff.tmp`), 'x');
  const reopened = await openContent({ root, metadata });
  assert.deepEqual(
    (await reopened.listIngests('default')).map((status) => status.ref),
    ['kept'],
  );
  assert.deepEqual(held(), []);
  const { directory } = metadata.read.ingests.get('default', 'kept');
  assert.deepEqual(await readdir(join(root, 'ingest')), [directory]);
  assert.deepEqual(await readdir(join(root, 'blobs', 'sha256')), []);
});

test('a crash between the move of the bytes and their record costs no upload for who names the digest', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  await leaveIngest(content, 'default', data, { ref: 'layer' });
  const { directory } = metadata.read.ingests.get('default', 'layer');
  const blob = join(root, 'blobs', 'sha256', digest.slice(7));
  await rename(join(root, 'ingest', directory, 'data'), blob);
  const reopened = await openContent({ root, metadata });
  assert.deepEqual(await reopened.listIngests('default'), []);
  {
    await using ingest = await reopened.openIngest('default', { ref: 'layer', expected: digest });
    assert.equal(ingest.status().offset, data.length);
    await ingest.commit();
  }
  assert.deepEqual(await readAll(reopened, 'default', digest), data);
  await reopened.delete('default', digest);
  assert.equal(await reopened.sweep(), data.length);
  await assert.rejects(stat(blob), { code: 'ENOENT' });
  assert.deepEqual(await readdir(join(root, 'ingest')), []);
});

test('an upload that the disk changed under us is refused at commit by its digest', async () => {
  await using store = await testContent();
  const { content, metadata, root } = store;
  await leaveIngest(content, 'default', half, { ref: 'layer' });
  const path = join(root, 'ingest', metadata.read.ingests.get('default', 'layer').directory, 'data');
  const bytes = await readFile(path);
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  await writeFile(path, bytes);
  await using ingest = await content.openIngest('default', { ref: 'layer', expected: digest });
  await ingest.write(rest);
  await assert.rejects(ingest.commit(), { kind: 'failed-precondition' });
  await ingest.truncate();
  await ingest.write(data);
  assert.equal((await ingest.commit()).digest, digest);
});
