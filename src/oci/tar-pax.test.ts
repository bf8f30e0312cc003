import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPaxRecords, formatPaxTime, parsePaxRecords, parsePaxTime, xattrsOf } from '#/oci/tar-pax.ts';

test('formatPaxRecords() counts its own length at every number of digits, as parsePaxRecords() reads it', () => {
  for (let length = 0; length < 1200; length++) {
    const records = new Map([
      ['key', 'v'.repeat(length)],
      ['path', 'line\nbreak=and=equals'],
    ]);
    assert.deepEqual(parsePaxRecords(formatPaxRecords(records)), records);
  }
  assert.equal(Buffer.from(formatPaxRecords(new Map([['path', 'a']]))).toString(), '9 path=a\n');
});

test('parsePaxRecords() keeps the last of two values and tells sparse pairs in order', () => {
  const seen: string[] = [];
  const text = '10 path=a\n10 path=b\n23 GNU.sparse.offset=0\n25 GNU.sparse.numbytes=5\n23 GNU.sparse.offset=9\n';
  const records = parsePaxRecords(Buffer.from(text), (key, value) => seen.push(`${key.slice(11)}:${value}`));
  assert.equal(records.get('path'), 'b');
  assert.deepEqual(seen, ['offset:0', 'numbytes:5', 'offset:9']);
});

test('parsePaxRecords() refuses broken records', () => {
  for (const text of [
    'x',
    '10 path=a',
    '8 path=a\n',
    '11 path=a\n',
    '0 path=a\n',
    '-1 path=a\n',
    '5 =a\n',
    '7 path\n',
    '11 path=a\0\n',
  ])
    assert.throws(() => parsePaxRecords(Buffer.from(text)), { kind: 'invalid-argument' }, text);
});

test('xattrsOf() reads the raw and the base64 form', () => {
  const records = new Map([
    ['SCHILY.xattr.user.raw', '\0\xff'],
    ['LIBARCHIVE.xattr.user.quoted%3Dname', 'AP8='],
    ['comment', 'none'],
  ]);
  assert.deepEqual(
    [...xattrsOf(records)],
    [
      ['user.raw', Buffer.from([0, 255])],
      ['user.quoted=name', Buffer.from([0, 255])],
    ],
  );
});

test('parsePaxTime() and formatPaxTime() keep nanoseconds on both sides of 1970', () => {
  assert.equal(parsePaxTime('1350244992.023960108'), 1_350_244_992_023_960_108n);
  assert.equal(parsePaxTime('1.5'), 1_500_000_000n);
  assert.equal(parsePaxTime('-1.5'), -1_500_000_000n);
  assert.equal(parsePaxTime('7'), 7_000_000_000n);
  assert.equal(parsePaxTime('7.'), 7_000_000_000n);
  assert.equal(parsePaxTime('1.1234567899'), 1_123_456_789n);
  for (const text of ['', '.5', '1e5', ' 1', '1 ', '--1', '9'.repeat(16)])
    assert.equal(parsePaxTime(text), undefined, text);
  for (const time of [0n, 1n, -1n, 1_500_000_000n, -1_500_000_000n, 1_350_244_992_023_960_108n])
    assert.equal(parsePaxTime(formatPaxTime(time)), time);
});
