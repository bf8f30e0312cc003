import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#/oci/digest.ts';
import {
  chainIds,
  mediaTypes,
  parseImageConfig,
  parseManifestOrIndex,
  selectManifest,
  type ImageIndex,
} from '#/oci/manifest.ts';
import { parsePlatform, type Platform } from '#/oci/platform.ts';

const any = digestOf('any');
const bytes = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document));
const layer = { mediaType: mediaTypes.ociLayerGzip, digest: digestOf('layer'), size: 5 };
const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('config'), size: 7 };

const entry = (name: string, platform?: Platform | null) => ({
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(name),
  size: 9,
  ...(platform === undefined ? {} : { platform }),
});

function readIndex(document: object): ImageIndex {
  const read = parseManifestOrIndex(any, mediaTypes.ociIndex, bytes({ schemaVersion: 2, ...document }));
  assert(read.kind === 'index');
  return read.index;
}

test('parseManifestOrIndex() tells manifests from indexes, also where the media type is silent', () => {
  const manifest = { schemaVersion: 2, config, layers: [layer] };
  const read = parseManifestOrIndex(any, 'text/plain', bytes(manifest));
  assert(read.kind === 'manifest');
  assert.deepEqual(read.manifest.layers, [layer]);
  assert.equal(parseManifestOrIndex(any, '', bytes({ manifests: [] })).kind, 'index');
  const stated = { ...manifest, mediaType: mediaTypes.dockerManifest };
  const docker = parseManifestOrIndex(any, mediaTypes.ociIndex, bytes(stated));
  assert(docker.kind === 'manifest');
  assert.equal(docker.manifest.mediaType, mediaTypes.dockerManifest);
});

test('parseManifestOrIndex() refuses documents that cannot be an image', () => {
  const manifest = { schemaVersion: 2, config, layers: [layer] };
  const bad: unknown[] = [
    [],
    null,
    'text',
    {},
    { ...manifest, schemaVersion: 1 },
    { ...manifest, manifests: [] },
    { ...manifest, config: undefined },
    { ...manifest, layers: 'x' },
    { ...manifest, layers: [{ ...layer, digest: '../../etc' }] },
    { ...manifest, layers: [{ ...layer, size: -1 }] },
    { ...manifest, layers: [{ ...layer, size: 1.5 }] },
    { ...manifest, layers: [{ ...layer, mediaType: '' }] },
    { ...manifest, layers: Array.from({ length: 1001 }, () => layer) },
    { ...manifest, annotations: { a: 1 } },
    { manifests: 'x', mediaType: mediaTypes.ociIndex },
    { manifests: [{ ...layer, platform: { os: 1 } }] },
  ];
  for (const document of bad)
    assert.throws(
      () => parseManifestOrIndex(any, mediaTypes.ociManifest, bytes(document)),
      { kind: 'invalid-argument' },
      JSON.stringify(document)?.slice(0, 200),
    );
  for (const text of ['', '{', '\u00ff'])
    assert.throws(() => parseManifestOrIndex(any, '', Buffer.from(text, 'latin1')), { kind: 'invalid-argument' });
});

test('selectManifest() takes the best fit and skips attestations', () => {
  const attestation = {
    ...entry('attestation', { os: 'unknown', architecture: 'unknown' }),
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const index = readIndex({
    manifests: [
      attestation,
      entry('bare'),
      entry('v6', parsePlatform('linux/arm/v6')),
      entry('v7', parsePlatform('linux/arm/v7')),
      entry('amd', parsePlatform('linux/amd64')),
    ],
  });
  assert.equal(selectManifest(index, parsePlatform('linux/arm/v7'))?.digest, digestOf('v7'));
  assert.equal(selectManifest(index, parsePlatform('linux/arm/v6'))?.digest, digestOf('v6'));
  assert.equal(selectManifest(index, parsePlatform('linux/amd64'))?.digest, digestOf('amd'));
  assert.equal(selectManifest(index, parsePlatform('linux/s390x'))?.digest, digestOf('bare'));
  const only = readIndex({ manifests: [attestation, entry('amd', parsePlatform('linux/amd64'))] });
  assert.equal(selectManifest(only, parsePlatform('linux/s390x')), undefined);
});

test('selectManifest() takes the first of equals', () => {
  const amd = parsePlatform('linux/amd64');
  const index = readIndex({ manifests: [entry('first', amd), entry('second', amd)] });
  assert.equal(selectManifest(index, amd)?.digest, digestOf('first'));
});

test('parseImageConfig() keeps what containers start from and refuses wrong shapes', () => {
  const diffId = digestOf('diff');
  const read = parseImageConfig(
    any,
    bytes({
      architecture: 'arm64',
      os: 'linux',
      variant: 'v8',
      created: '2026-01-02T03:04:05Z',
      config: { Env: ['A=1'], Cmd: null, Entrypoint: 'sh', Unknown: 3, User: 'ann' },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: 'x' }, 3],
    }),
  );
  assert.deepEqual(read.config, { Env: ['A=1'], Entrypoint: ['sh'], User: 'ann' });
  assert.deepEqual(read.platform, { os: 'linux', architecture: 'arm64', variant: 'v8' });
  assert.deepEqual(read.diffIds, [diffId]);
  assert.equal(read.history.length, 1);
  for (const wrong of [
    { config: { Env: 3 } },
    { config: { User: 3 } },
    { config: { Labels: [] } },
    { rootfs: { diff_ids: ['x'] } },
    { rootfs: { diff_ids: 'x' } },
  ])
    assert.throws(() => parseImageConfig(any, bytes(wrong)), { kind: 'invalid-argument' }, JSON.stringify(wrong));
});

test('chainIds() chain as the image specification says', () => {
  const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];
  const second = digestOf(`${a} ${b}`);
  assert.deepEqual(chainIds([a, b, c]), [a, second, digestOf(`${second} ${c}`)]);
  assert.deepEqual(chainIds([]), []);
});
