import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, decodeName, encodeName, quoteName, type TarEntry } from '#/oci/tar-entry.ts';
import { TarReader } from '#/oci/tar-reader.ts';
import { readTarStream } from '#/oci/tar-stream.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

const blank: TarEntry = {
  type: 'file',
  name: 'file',
  linkName: '',
  mode: 0o644,
  uid: 1,
  gid: 2,
  size: 0,
  modified: 0n,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

const entries: readonly TarEntry[] = [
  { ...blank, type: 'directory', name: 'dir/', mode: 0o1777 },
  { ...blank, name: 'dir/file', size: 1000, modified: 1_609_459_200_123_456_789n },
  { ...blank, name: `${'p'.repeat(90)}/${'n'.repeat(90)}` },
  { ...blank, name: `${'long/'.repeat(80)}name`, modified: -1n },
  { ...blank, name: nameOf('ünïcode/日本'), uid: 4_000_000_000, gid: 2 ** 21 },
  { ...blank, name: 'latin\xe9', type: 'symlink', linkName: 'x'.repeat(150) },
  { ...blank, type: 'hard-link', name: 'hard', linkName: 'dir/file' },
  { ...blank, type: 'character-device', name: 'c', deviceMajor: 4, deviceMinor: 64 },
  { ...blank, type: 'block-device', name: 'b', deviceMajor: 259, deviceMinor: 0o7777777 },
  { ...blank, type: 'fifo', name: 'fifo', modified: 2n ** 40n * 1_000_000_000n },
  { ...blank, name: 'x', xattrs: new Map([['user.é', Buffer.from([0, 10, 255])]]), size: 3 },
];

const contentOf = (size: number): Buffer => Buffer.alloc(size, 'content ');

function pack(list: readonly TarEntry[]): Buffer {
  const blocks = list.flatMap((entry) => [encodeTarEntry(entry), contentOf(entry.size), paddingAfter(entry.size)]);
  return Buffer.concat([...blocks, tarEnd]);
}

interface Read {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

function readAll(archive: Uint8Array, step: number): Read[] {
  const found: { entry: TarEntry; content: Buffer }[] = [];
  const reader = new TarReader();
  for (let offset = 0; offset < archive.length; offset += step) {
    for (const event of reader.push(archive.subarray(offset, offset + step))) {
      if (event.kind === 'entry') found.push({ entry: event.entry, content: Buffer.alloc(event.entry.size) });
      if (event.kind === 'data') found.at(-1)?.content.set(event.bytes, event.offset);
    }
  }
  reader.finish();
  return found;
}

test('TarReader reads what encodeTarEntry() wrote, in pieces of any size', () => {
  const archive = pack(entries);
  assert.equal(archive.length % 512, 0);
  for (const step of [1, 7, 511, 512, 513, 4096, archive.length]) {
    const found = readAll(archive, step);
    assert.deepEqual(
      found.map((read) => read.entry),
      entries,
      `in steps of ${step}`,
    );
    for (const { entry, content } of found) assert.deepEqual(content, contentOf(entry.size));
  }
});

test('encodeTarEntry() needs no PAX header for what ustar can say', () => {
  const plain = { ...blank, name: 'usr/bin/tool', modified: 1_600_000_000_000_000_000n };
  assert.equal(encodeTarEntry(plain).length, 512);
  assert.equal(encodeTarEntry({ ...plain, type: 'directory', name: 'usr' })[3], '/'.charCodeAt(0));
  assert.equal(encodeTarEntry({ ...plain, modified: 1n }).length, 3 * 512);
});

test('readTarStream() reads a stream, and throws when it is cut off', async () => {
  const archive = pack(entries);
  async function* chunks(end: number): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < end; offset += 1000) yield archive.subarray(offset, Math.min(offset + 1000, end));
  }
  const names = async (end: number): Promise<string[]> => {
    const found: string[] = [];
    for await (const event of readTarStream(chunks(end))) if (event.kind === 'entry') found.push(event.entry.name);
    return found;
  };
  assert.deepEqual(
    await names(archive.length),
    entries.map((entry) => entry.name),
  );
  await assert.rejects(names(2100), { kind: 'invalid-argument', message: /cut off inside "dir\/file"/ });
});

test('TarReader takes an old directory, a file with a slash, for a directory and drops its content', () => {
  const archive = pack([
    { ...blank, name: 'old/', size: 700 },
    { ...blank, name: 'next' },
  ]);
  assert.deepEqual(
    readAll(archive, 4096).map(({ entry }) => [entry.type, entry.name, entry.size]),
    [
      ['directory', 'old/', 0],
      ['file', 'next', 0],
    ],
  );
});

test('names are byte strings that decodeName() and encodeName() turn into text and bytes', () => {
  assert.equal(nameOf('ascii'), 'ascii');
  assert.equal(encodeName('ascii'), 'ascii');
  assert.equal(decodeName(nameOf('日本')), '日本');
  assert.deepEqual(encodeName('\xe9'), Buffer.from([0xe9]));
  assert.equal(decodeName('\xe9'), '\ufffd');
  assert.equal(quoteName('a\nb"'), '"a\\nb\\""');
  assert.equal(quoteName('x'.repeat(300)).length, 203);
});
