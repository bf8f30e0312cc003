import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { wireMounts } from '#/api/containerd/descriptors.ts';
import { inNamespace, openApi, type ApiRig } from '#/api/containerd/open-api.suite.ts';
import { command } from '#/core/images/images.fixture.ts';
import { archiveOf, directory } from '#/core/layers/archive-fixture.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { digestOf, parseDigest, type Digest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';

const ns = 'blue';
const archive = archiveOf(directory('etc'), { name: 'etc/old', content: 'old' }, { name: 'etc/kept', content: 'kept' });
const diffId = digestOf(archive);
const epoch = { seconds: 1_000_000_000n, nanos: 0 };

async function applyBase(rig: ApiRig, mediaType: string, bytes: Uint8Array): Promise<Mount[]> {
  const native = rig.core.snapshotters.get('native');
  assert(native !== undefined);
  const { digest } = await rig.core.content.put(ns, bytes, { labels: { 'containerd.io/gc.root': 'yes' } });
  const key = `extract ${mediaType}`;
  const mounts = await native.prepare(ns, key, '');
  const diff = { mediaType, digest, size: BigInt(bytes.byteLength) };
  const answer = await rig.client.unary(
    Diff.method.apply,
    { diff, mounts: wireMounts(mounts), syncFs: true },
    inNamespace(ns),
  );
  assert.equal(answer.applied?.digest, diffId);
  assert.equal(answer.applied.mediaType, mediaTypes.ociLayer);
  assert.equal(answer.applied.size, BigInt(archive.byteLength));
  await native.commit(ns, mediaType, key);
  return await native.view(ns, `view ${mediaType}`, mediaType);
}

test('apply() takes every type of tar layer, compressed as its bytes say', async () => {
  await using rig = await openApi();
  const types: Readonly<Record<string, Uint8Array>> = {
    [mediaTypes.ociLayer]: archive,
    [mediaTypes.ociLayerGzip]: gzipSync(archive),
    [mediaTypes.ociLayerZstd]: zstdCompressSync(archive),
    [mediaTypes.dockerLayer]: gzipSync(archive),
    [mediaTypes.dockerLayerGzip]: gzipSync(archive),
    [mediaTypes.dockerLayerZstd]: zstdCompressSync(archive),
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': gzipSync(archive),
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd': zstdCompressSync(archive),
  };
  for (const [mediaType, bytes] of Object.entries(types)) await applyBase(rig, mediaType, bytes);
  for (const mediaType of ['application/vnd.oci.image.layer.v1.tar+encrypted', 'application/json', 'text/x'])
    await assert.rejects(applyBase(rig, mediaType, archive), { kind: 'unimplemented' });
});

/** A tree on top of the base with a change of each kind; returns its mounts and where they are. */
async function changeTree(
  rig: ApiRig,
): Promise<{ readonly left: Mount[]; readonly right: Mount[]; readonly root: string }> {
  const left = await applyBase(rig, mediaTypes.ociLayer, archive);
  const native = rig.core.snapshotters.get('native');
  assert(native !== undefined);
  const right = await native.prepare(ns, 'changed', mediaTypes.ociLayer);
  const root = right[0]?.source ?? '';
  await rm(join(root, 'etc/old'));
  await mkdir(join(root, 'bin'));
  await writeFile(join(root, 'bin/tool'), '#!/bin/sh\n');
  await chmod(join(root, 'bin/tool'), 0o4755);
  await symlink('tool', join(root, 'bin/alias'));
  return { left, right, root };
}

test('diff() writes a layer that umoci unpacks and skopeo copies unchanged; its labels say what it is uncompressed', async () => {
  await using rig = await openApi();
  const { left, right, root } = await changeTree(rig);
  const diffTo = async (mediaType: string, more: object = {}): Promise<Digest> => {
    const request = { left: wireMounts(left), right: wireMounts(right), mediaType, sourceDateEpoch: epoch, ...more };
    const { diff } = await rig.client.unary(Diff.method.diff, request, inNamespace(ns));
    assert.equal(diff?.mediaType, mediaType === '' ? mediaTypes.ociLayerGzip : mediaType);
    return parseDigest(diff.digest);
  };
  const labels = { 'containerd.io/gc.root': 'yes' };
  const plain = await diffTo(mediaTypes.ociLayer, { labels, ref: 'mine' });
  const gzip = await diffTo('', { labels });
  assert.equal(await diffTo('', { labels }), gzip);
  const zstd = await diffTo(mediaTypes.ociLayerZstd, { labels });
  const { content } = rig.core;
  for (const packed of [gzip, zstd]) assert.equal(content.info(ns, packed).labels['containerd.io/uncompressed'], plain);
  assert.equal(content.info(ns, plain).labels['containerd.io/uncompressed'], undefined);
  await assert.rejects(diffTo(mediaTypes.dockerLayerGzip), { kind: 'unimplemented' });

  const path = await exportImage(rig, [
    { mediaType: mediaTypes.ociLayer, digest: diffId, diffId },
    { mediaType: mediaTypes.ociLayerGzip, digest: gzip, diffId: plain },
  ]);
  const work = rig.core.temporary;
  await command('skopeo', 'copy', '-q', `oci-archive:${path}`, `oci:${join(work, 'layout')}:x`);
  await readFile(join(work, 'layout/blobs/sha256', gzip.slice(7)));
  await command('umoci', 'unpack', '--image', `${join(work, 'layout')}:x`, join(work, 'bundle'));
  await command('diff', '-r', '--no-dereference', root, join(work, 'bundle/rootfs'));
  const facts = ['-c', '%n %f %u %g', 'bin/tool', 'bin/alias', 'etc/kept', 'etc'];
  const statOf = async (tree: string): Promise<string> =>
    await command('sh', '-c', `cd "$0" && stat "$@"`, tree, ...facts);
  assert.equal(await statOf(join(work, 'bundle/rootfs')), await statOf(root));
});

interface LayerOf {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly diffId: Digest;
}

async function exportImage(rig: ApiRig, layers: readonly LayerOf[]): Promise<string> {
  const { content, metadata, images, temporary } = rig.core;
  const labels = { 'containerd.io/gc.root': 'yes' };
  const put = async (document: object) => await content.put(ns, Buffer.from(JSON.stringify(document)), { labels });
  const rootfs = { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) };
  const config = await put({ os: 'linux', architecture: 'amd64', rootfs, config: {} });
  const manifest = await put({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size },
    layers: layers.map(({ mediaType, digest }) => ({ mediaType, digest, size: content.info(ns, digest).size })),
  });
  const target = { mediaType: mediaTypes.ociManifest, digest: manifest.digest, size: manifest.size };
  await metadata.write((tx) =>
    tx.images.create(ns, { name: 'made:1', target, labels: {}, createdAt: 1n, updatedAt: 1n }),
  );
  const path = join(temporary, 'made.tar');
  await pipeline(Readable.from(images.export(ns, { names: ['made:1'] })), createWriteStream(path));
  return path;
}
