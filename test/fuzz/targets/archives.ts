/** Archives, and the names in them. */
import assert from 'node:assert/strict';
import { archiveOf, directory, hardLink, symlink } from '#/core/layers/archive-fixture.ts';
import { placeOf, splitEntryName } from '#/core/layers/child/entry-name.ts';
import { extension, hostileArchives, paxRecord, rawHeader } from '#/core/layers/hostile-archives.ts';
import { parseTarHeader } from '#/oci/tar-header.ts';
import { parsePaxRecords, parsePaxTime, xattrsOf } from '#/oci/tar-pax.ts';
import { TarReader } from '#/oci/tar-reader.ts';
import type { FuzzTarget } from '../target.ts';

/** Everything that a reader tells of an archive that comes in these pieces, and how it ends. */
function readInPieces(archive: Buffer, sizes: () => number): string[] {
  const reader = new TarReader();
  const told: string[] = [];
  const data = { offset: -1, bytes: '' };
  const flush = (): void => {
    if (data.offset >= 0) told.push(`data ${data.offset} ${data.bytes}`);
    data.offset = -1;
  };
  try {
    for (let at = 0, size = 0; at < archive.length; at += size) {
      size = sizes();
      for (const event of reader.push(archive.subarray(at, at + size))) {
        if (event.kind === 'data') {
          const hex = Buffer.from(event.bytes).toString('hex');
          if (data.offset >= 0 && data.offset + data.bytes.length / 2 === event.offset) data.bytes += hex;
          else {
            flush();
            Object.assign(data, { offset: event.offset, bytes: hex });
          }
          continue;
        }
        flush();
        told.push(event.kind === 'end' ? 'end' : JSON.stringify(event.entry, plain));
      }
    }
    reader.finish();
  } catch (error) {
    flush();
    told.push(String(error));
  }
  return told;
}

const plain = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value instanceof Map ? [...value.entries()] : value;

const small = archiveOf(
  directory('etc'),
  { name: 'etc/file', content: 'some bytes', xattrs: { 'user.x': 'y' } },
  symlink('etc/link', '../etc/file'),
  hardLink('etc/hard', 'etc/file'),
  { name: `long/${'n'.repeat(120)}`, content: 'x' },
);

const sparse = Buffer.concat([
  extension(
    'x',
    ['GNU.sparse.major=1', 'GNU.sparse.minor=0', 'GNU.sparse.realsize=9000', 'GNU.sparse.name=holes']
      .map((record) => paxRecord(...(record.split('=') as [string, string])))
      .join(''),
  ),
  rawHeader({ name: 'holes', size: 1024 }),
  Buffer.from('1\n4096\n3\n'.padEnd(512, '\0')),
  Buffer.from('abc'.padEnd(512, '\0')),
]);

export const archiveTargets: readonly FuzzTarget[] = [
  {
    name: 'TarReader',
    seeds: [small, sparse, ...hostileArchives.map(({ archive }) => archive).filter(({ length }) => length <= 8192)],
    words: [
      'ustar\x0000',
      'ustar  \0',
      'x',
      'g',
      'L',
      'K',
      'S',
      '\x80\0\0\0\0\0\0\x01',
      '777777777777',
      'path=',
      '30 mtime=1.5\n',
    ],
    run(input, random) {
      const atOnce = readInPieces(input, () => input.length);
      const inPieces = readInPieces(input, () => 1 + random.below(700));
      assert.deepEqual(inPieces, atOnce, 'pieces do not matter');
      return `${atOnce.length} ${atOnce.at(-1)?.replaceAll(/"[^"]*"|\d+/g, '') ?? ''}`;
    },
  },
  {
    name: 'parseTarHeader',
    seeds: [small.subarray(0, 512), sparse.subarray(0, 512)],
    words: ['\x80', '\xff', '7777777', ' ', '\0'],
    run: (input) => parseTarHeader(Buffer.concat([input, Buffer.alloc(512)]).subarray(0, 512)).type,
  },
  {
    name: 'parsePaxRecords',
    seeds: [paxRecord('path', 'a/b') + paxRecord('mtime', '1.000000001') + paxRecord('SCHILY.xattr.user.a', 'b')],
    words: ['\n', '=', ' ', '999999999999 ', '-1 ', 'GNU.sparse.map=0,1', 'SCHILY.xattr.', 'LIBARCHIVE.xattr.'],
    run(input) {
      const records = parsePaxRecords(input);
      xattrsOf(records);
      parsePaxTime(records.get('mtime') ?? '');
      return [...records.keys()].map((key) => key.slice(0, 12)).join();
    },
  },
  {
    name: 'placeOf',
    seeds: ['etc/passwd', './a//b/', 'a/.wh.b', 'a/.wh..wh..opq', '.wh..wh.plnk/x', '../x'],
    words: ['..', '.', '/', '.wh.', '.wh..wh.', '\0'],
    run(input) {
      const name = input.toString('latin1');
      for (const segment of splitEntryName(name)) assertPlainSegment(segment);
      const place = placeOf(name);
      if ('parent' in place) for (const segment of place.parent) assertPlainSegment(segment);
      if ('base' in place) assertPlainSegment(place.base);
      return place.kind;
    },
  },
];

function assertPlainSegment(segment: string): void {
  assert(
    segment !== '' && segment !== '.' && segment !== '..' && !segment.includes('/'),
    `"${segment}" is one step down`,
  );
}
