import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDecimal, parseTarNumber, writeTarNumber } from '#/oci/tar-number.ts';

const field = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test('parseTarNumber() reads octal digits between blanks', () => {
  const fields: Readonly<Record<string, number | undefined>> = {
    '0000644\0': 0o644,
    '   644 \0': 0o644,
    '0000644 ': 0o644,
    '00006444': 0o6444,
    '\0\0\0\0\0\0\0\0': 0,
    '        ': 0,
    '644\0junk': 0o644,
    '0000648\0': undefined,
    '-000644\0': undefined,
    'abcdefg\0': undefined,
  };
  for (const [text, number] of Object.entries(fields)) assert.equal(parseTarNumber(field(text)), number, text);
});

test('parseTarNumber() reads base-256 numbers, negative ones too, and refuses unsafe ones', () => {
  assert.equal(parseTarNumber(field('\x80\0\0\0\0\0\0\x01')), 1);
  assert.equal(parseTarNumber(field('\xff\xff\xff\xff\xff\xff\xff\xfe')), -2);
  assert.equal(parseTarNumber(field('\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xff')), Number.MAX_SAFE_INTEGER);
  assert.equal(parseTarNumber(field('\x80\0\0\0\0\x20\0\0\0\0\0\0')), undefined);
  assert.equal(parseTarNumber(field('\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff')), undefined);
});

test('writeTarNumber() writes what parseTarNumber() reads, octal while it fits', () => {
  for (const value of [0, 1, 0o644, 0o7777777, 0o10000000, 2 ** 40, Number.MAX_SAFE_INTEGER, -1, -86_400]) {
    for (const size of [8, 12]) {
      const bytes = new Uint8Array(size);
      writeTarNumber(bytes, value);
      assert.equal(parseTarNumber(bytes), value, `${value} in ${size} bytes`);
    }
  }
  const bytes = new Uint8Array(8);
  writeTarNumber(bytes, 0o644);
  assert.equal(Buffer.from(bytes).toString('latin1'), '0000644\0');
});

test('parseDecimal() takes whole safe numbers only', () => {
  assert.deepEqual(['0', '-7', '9007199254740991'].map(parseDecimal), [0, -7, 9_007_199_254_740_991]);
  for (const text of ['', '-', '1.5', '0x10', ' 1', '9007199254740993', '1'.repeat(30)])
    assert.equal(parseDecimal(text), undefined, text);
});
