import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesOfEntry, namesOfTarget, type ReferenceRule } from '#/core/images/name-targets.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';

const plain = { mediaType: mediaTypes.ociManifest, digest: digestOf('x'), size: 1 };
const named = (full: string, ref: string) => ({
  ...plain,
  annotations: {
    ...(full === '' ? {} : { 'io.containerd.image.name': full }),
    ...(ref === '' ? {} : { 'org.opencontainers.image.ref.name': ref }),
  },
});
const rule = (more: Partial<ReferenceRule>): ReferenceRule => ({
  name: 'base/app',
  isPrefix: true,
  allowOverwrite: false,
  addDigest: false,
  skipNamedDigest: false,
  ...more,
});
const entryNames = (target: typeof plain, more: Partial<ReferenceRule>): string[] =>
  namesOfEntry({ name: '', labels: {}, references: [rule(more)] }, target).map(({ name }) => name);

test('namesOfEntry() adds a bare tag to the prefix, and takes full names of that prefix only', () => {
  assert.deepEqual(entryNames(named('', 'v1'), {}), ['base/app:v1']);
  assert.deepEqual(entryNames(named('base/app:2', 'v1'), {}), ['base/app:2']);
  assert.deepEqual(entryNames(named('base/app/more:2', ''), {}), ['base/app/more:2']);
  assert.deepEqual(entryNames(named('base/apple:2', ''), {}), []);
  assert.deepEqual(entryNames(named('other:2', 'v1'), {}), []);
  assert.deepEqual(entryNames(named('other:2', 'v1'), { allowOverwrite: true }), ['other:2']);
  assert.deepEqual(entryNames(named('', ''), { allowOverwrite: true }), []);
  assert.deepEqual(entryNames(named('', 'v1'), { isPrefix: false }), []);
});

test('namesOfEntry() adds names by digest, and leaves them out for what has a name when told so', () => {
  const byDigest = `base/app@${plain.digest}`;
  assert.deepEqual(entryNames(named('', ''), { addDigest: true }), [byDigest]);
  assert.deepEqual(entryNames(named('', 'v1'), { addDigest: true }), ['base/app:v1', byDigest]);
  assert.deepEqual(entryNames(named('', 'v1'), { addDigest: true, skipNamedDigest: true }), ['base/app:v1']);
  assert.deepEqual(entryNames(named('', ''), { addDigest: true, skipNamedDigest: true }), [byDigest]);
});

test('namesOfTarget() gives the main name its labels, and extra names one that ends them with it', () => {
  const references = [rule({ isPrefix: false, name: 'extra:1' }), rule({}), rule({ addDigest: true })];
  const [main, extra, digest, ...none] = namesOfTarget({ name: 'main:1', labels: { a: 'b' }, references }, plain);
  assert.deepEqual(main, { name: 'main:1', target: plain, labels: { a: 'b' } });
  assert.equal(extra?.name, 'extra:1');
  assert.equal(extra.labels?.['containerd.io/gc.bref.image'], 'main:1');
  assert.match(extra.labels['containerd.io/gc.expire'] ?? '', /^\d{4}-.*Z$/);
  assert.equal(digest?.name, `base/app@${plain.digest}`);
  assert.deepEqual(none, []);
  const [alone] = namesOfTarget({ name: '', labels: { a: 'b' }, references: [references[0] ?? rule({})] }, plain);
  assert.deepEqual(alone?.labels, { a: 'b' });
});
