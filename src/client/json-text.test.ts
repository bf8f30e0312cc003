import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson, parseJson } from '#/client/json-text.ts';

test('parseJson() and formatJson() keep all digits of large whole numbers', () => {
  const text = '{"a":9223372036854771712,"b":[-9007199254740993,1],"c":1.5,"d":"12345678901234567890"}';
  assert.deepEqual(parseJson(text), {
    a: 9223372036854771712n,
    b: [-9007199254740993n, 1],
    c: 1.5,
    d: '12345678901234567890',
  });
  assert.equal(formatJson(parseJson(text)), text);
});

test('parseJson() leaves fractions and exponents to doubles', () => {
  assert.deepEqual(
    parseJson('[0.12345678901234567890, 1e300, 1234567890123456.5]'),
    [0.12345678901234568, 1e300, 1234567890123456.5],
  );
});

test('formatJson() indents as inspect does', () => {
  assert.equal(formatJson({ a: [], b: { c: 1 } }, '    '), '{\n    "a": [],\n    "b": {\n        "c": 1\n    }\n}');
});
