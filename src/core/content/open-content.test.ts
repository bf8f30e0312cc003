import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { makeLease, readAll, testContent, upload } from '#/core/content/content.fixture.ts';
import { digestOf, parseDigest } from '#/oci/digest.ts';

const data = randomBytes(3 * 1024 * 1024 + 17);
const digest = digestOf(data);
const openFiles = async (path: string): Promise<number> => {
  const names = await readdir('/proc/self/fd');
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(path)).length;
};

test('commit() makes a read-only blob file under its digest and a record, and drops the ingest', async () => {
  await using store = await testContent();
  const { content, root } = store;
  const record = await upload(content, 'default', data, { ref: 'layer', expected: digest, total: data.length });
  assert.deepEqual([record.digest, record.size, record.labels], [digest, data.length, {}]);
  assert.deepEqual(content.info('default', digest), record);
  assert.deepEqual(content.list('default'), [record]);
  const path = content.blobPath('default', digest);
  assert.equal(path, `${root}/blobs/sha256/${digest.slice(7)}`);
  assert.equal((await stat(path)).mode & 0o7777, 0o444);
  assert.deepEqual(await readFile(path), data);
  assert.deepEqual(await content.listIngests('default'), []);
  assert.deepEqual(await readdir(`${root}/ingest`), []);
  await assert.rejects(content.ingestStatus('default', 'layer'), { kind: 'not-found' });
});

test('info(), read() and blobPath() do not see a blob that only another namespace has', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'one', data, { ref: 'layer' });
  assert.throws(() => content.info('two', digest), { kind: 'not-found' });
  assert.throws(() => content.blobPath('two', digest), { kind: 'not-found' });
  assert.equal(content.find('two', digest), undefined);
  assert.deepEqual(content.list('two'), []);
  await assert.rejects(readAll(content, 'two', digest), { kind: 'not-found' });
});

test('read() gives ranges, clamps them at the end, and refuses an offset beyond it', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'default', data, { ref: 'layer' });
  assert.deepEqual(await readAll(content, 'default', digest), data);
  const range = { offset: 1_000_001, length: 1_500_000 };
  assert.deepEqual(await readAll(content, 'default', digest, range), data.subarray(1_000_001, 2_500_001));
  assert.deepEqual(await readAll(content, 'default', digest, { offset: 3_000_000, length: 1e9 }), data.subarray(3e6));
  assert.equal((await readAll(content, 'default', digest, { offset: data.length })).length, 0);
  await assert.rejects(readAll(content, 'default', digest, { offset: data.length + 1 }), { kind: 'out-of-range' });
  for await (const chunk of content.read('default', digest)) assert.ok(chunk.length <= 1024 * 1024);
});

test('read() closes its file when the reader stops early', async () => {
  await using store = await testContent();
  const { content, root } = store;
  await upload(content, 'default', data, { ref: 'layer' });
  for await (const chunk of content.read('default', digest)) {
    assert.ok(chunk.length > 0);
    assert.equal(await openFiles(root), 1);
    break;
  }
  assert.equal(await openFiles(root), 0);
});

test('read() of a blob file that was cut or removed is data-loss and says what to do', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'default', data, { ref: 'layer' });
  const path = content.blobPath('default', digest);
  await truncate(path, 100);
  await assert.rejects(readAll(content, 'default', digest), {
    kind: 'data-loss',
    message: /has 100 bytes where 3145745/,
  });
  await rm(path);
  await assert.rejects(readAll(content, 'default', digest), { kind: 'data-loss', message: /is gone; delete the blob/ });
});

test('readWhole() checks the digest again and refuses what is larger than the limit', async () => {
  await using store = await testContent();
  const { content } = store;
  const { digest: small } = await content.put('default', Buffer.from('{"a":1}'));
  assert.equal(Buffer.from(await content.readWhole('default', small, 7)).toString(), '{"a":1}');
  await assert.rejects(content.readWhole('default', small, 6), { kind: 'resource-exhausted' });
  await rm(content.blobPath('default', small));
  await writeFile(content.blobPath('default', small), '{"b":1}');
  await assert.rejects(content.readWhole('default', small, 7), { kind: 'data-loss', message: /have digest "sha256:/ });
});

test('put() stores once, adds only the labels that are missing, and fills the lease', async () => {
  await using store = await testContent();
  const { content, metadata } = store;
  const held = await makeLease(metadata, 'l');
  const first = await content.put('default', Buffer.from('x'), { labels: { a: '1' } });
  assert.deepEqual(first.labels, { a: '1' });
  assert.equal((await stat(content.blobPath('default', first.digest))).mode & 0o7777, 0o444);
  const again = await content.put('default', Buffer.from('x'), { labels: { a: '2', b: '2' }, lease: 'l' });
  assert.deepEqual(again.labels, { a: '1', b: '2' });
  assert.equal(again.createdAt, first.createdAt);
  assert.deepEqual(content.info('default', first.digest), again);
  assert.deepEqual(held(), [`content ${first.digest}`]);
});

test('put() of one blob by many at once makes one record', async () => {
  await using store = await testContent();
  const { content, root } = store;
  const puts = Array.from({ length: 20 }, (_, at) => content.put(`ns${at % 2}`, Buffer.from('same')));
  const digests = new Set((await Promise.all(puts)).map((record) => record.digest));
  assert.equal(digests.size, 1);
  assert.equal(content.list('ns0').length, 1);
  assert.deepEqual(await readdir(`${root}/blobs/sha256`), [digestOf('same').slice(7)]);
});

test('setLabels() replaces labels, and refuses a label longer than 4096 bytes', async () => {
  await using store = await testContent();
  const { content } = store;
  const { digest: blob, createdAt } = await content.put('default', Buffer.from('x'), { labels: { a: '1' } });
  const changed = await content.setLabels('default', blob, (labels) => ({ ...labels, b: '2' }));
  assert.deepEqual(changed.labels, { a: '1', b: '2' });
  assert.ok(changed.updatedAt > createdAt);
  assert.deepEqual(content.info('default', blob), changed);
  const long = { key: 'x'.repeat(4094) };
  await assert.rejects(
    content.setLabels('default', blob, () => long),
    { kind: 'invalid-argument' },
  );
  await assert.rejects(content.put('default', Buffer.from('y'), { labels: long }), { kind: 'invalid-argument' });
  assert.deepEqual(content.info('default', blob).labels, changed.labels);
  await assert.rejects(
    content.setLabels('other', blob, () => ({})),
    { kind: 'not-found' },
  );
});

test('delete() drops one namespace at a time; sweep() takes the bytes when none is left', async () => {
  await using store = await testContent();
  const { content } = store;
  await upload(content, 'one', data, { ref: 'layer' });
  await upload(content, 'two', data, { ref: 'layer' });
  const path = content.blobPath('one', digest);
  await content.delete('one', digest);
  assert.throws(() => content.info('one', digest), { kind: 'not-found' });
  await assert.rejects(content.delete('one', digest), { kind: 'not-found' });
  assert.equal(await content.sweep(), 0);
  assert.deepEqual(await readAll(content, 'two', digest), data);
  await content.delete('two', digest);
  assert.equal(await content.sweep(), data.length);
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('sweep() beside commits and puts never takes a blob that is acknowledged', async () => {
  await using store = await testContent();
  const { content } = store;
  const stop = new AbortController();
  const sweeping = (async () => {
    while (!stop.signal.aborted) await content.sweep();
  })();
  const names = Array.from({ length: 40 }, (_, at) => `blob ${at}`);
  await Promise.all(
    names.map(async (name, at) => {
      const bytes = Buffer.from(name);
      await content.put('default', bytes);
      await content.delete('default', digestOf(name));
      const { digest: made } =
        at % 2 === 0 ? await content.put('default', bytes) : await upload(content, 'default', bytes, { ref: name });
      assert.equal((await readAll(content, 'default', made)).toString(), name);
    }),
  );
  stop.abort();
  await sweeping;
  for (const name of names) assert.equal((await readAll(content, 'default', digestOf(name))).toString(), name);
});

test('commit() keeps a blob under the sha512 that was expected', async () => {
  await using store = await testContent();
  const { content, root } = store;
  const expected = parseDigest(`sha512:${createHash('sha512').update(data).digest('hex')}`);
  const record = await upload(content, 'default', data, { ref: 'layer', expected });
  assert.equal(record.digest, expected);
  assert.equal(content.blobPath('default', expected), `${root}/blobs/sha512/${expected.slice(7)}`);
  assert.deepEqual(await readAll(content, 'default', expected), data);
  assert.deepEqual(Buffer.from(await content.readWhole('default', expected, data.length)), data);
  await using wrong = await content.openIngest('default', { ref: 'wrong', total: 1 });
  await wrong.write(Buffer.from('x'));
  const other = parseDigest(`sha512:${'0'.repeat(128)}`);
  await assert.rejects(wrong.commit({ expected: other }), { kind: 'failed-precondition' });
});

test('pages() tells every blob once, in the order of digests, with others at work in between', async () => {
  await using store = await testContent();
  const { content } = store;
  for (let at = 0; at < 250; at++) await upload(content, 'default', Buffer.from(`blob ${at}`), { ref: `ref-${at}` });
  const sizes: number[] = [];
  const digests: string[] = [];
  for await (const page of content.pages('default')) {
    sizes.push(page.length);
    digests.push(...page.map(({ digest }) => digest));
  }
  assert.deepEqual(sizes, [100, 100, 50]);
  assert.deepEqual(
    digests,
    content.list('default').map(({ digest }) => digest),
  );
});
