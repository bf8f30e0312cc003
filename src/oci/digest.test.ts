import assert from 'node:assert/strict';
import { test } from 'node:test';
import { algorithmOf, digestOf, hexOf, isDigest, parseDigest, shortDigest } from '#/oci/digest.ts';

const hex = 'ab'.repeat(32);

test('parseDigest() takes sha256 and sha512 in lower-case hex only', () => {
  assert.equal(parseDigest(`sha256:${hex}`), `sha256:${hex}`);
  assert.equal(parseDigest(`sha512:${hex}${hex}`), `sha512:${hex}${hex}`);
  const bad = ['', ':', 'sha256:', hex, `sha256:${hex}0`, `sha256:${hex.slice(1)}`, `sha256:${hex.toUpperCase()}`];
  for (const text of [...bad, `sha512:${hex}`, `md5:${hex.slice(32)}`, `sha256:${hex.slice(3)}/..`, `sha256:${hex}\n`])
    assert.throws(() => parseDigest(text), { kind: 'invalid-argument' }, JSON.stringify(text));
});

test('isDigest() does not take names that every object has for algorithms', () => {
  for (const algorithm of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
    assert.equal(isDigest(`${algorithm}:${hex}`), false, algorithm);
  assert.equal(isDigest('length:a'), false);
});

test('digestOf() is the sha256 of bytes or of text in UTF-8', () => {
  const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  assert.equal(digestOf(''), empty);
  assert.equal(digestOf(new Uint8Array(0)), empty);
  assert.equal(digestOf('ü'), digestOf(Buffer.from('ü')));
});

test('algorithmOf(), hexOf() and shortDigest() take a digest apart', () => {
  const digest = parseDigest(`sha256:${hex}`);
  assert.equal(algorithmOf(digest), 'sha256');
  assert.equal(hexOf(digest), hex);
  assert.equal(shortDigest(digest), 'abababababab');
});
