/** The images that the cases use, as archives. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { archiveOf, directory, type Member } from '#/core/layers/archive-fixture.ts';
import { digestOf } from '#/oci/digest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { makeHelloArchive } from '../../support/hello-image.ts';
import { busyboxLayer, dockerArchive } from '../../support/layered-image.ts';

export interface Archives {
  readonly archive: string;
  readonly layers: string;
  readonly multi: string;
}

export async function writeArchives(folder: string): Promise<Archives> {
  const place = { archive: 'hello.tar', layers: 'layers.tar', multi: 'multi.tar' };
  const paths = {
    archive: join(folder, place.archive),
    layers: join(folder, place.layers),
    multi: join(folder, place.multi),
  };
  await writeFile(paths.archive, await makeHelloArchive());
  await writeFile(paths.layers, dockerArchive('layers:latest', { layers: await threeLayers() }));
  await writeFile(paths.multi, await multiPlatformArchive());
  return paths;
}

const threeLayers = async (): Promise<Buffer[]> => [
  await busyboxLayer(),
  archiveOf(directory('srv'), { name: 'srv/kept', content: 'kept' }, { name: 'srv/gone', content: 'gone' }),
  archiveOf({ name: 'srv/.wh.gone' }, { name: 'srv/new', content: 'new' }),
];

/** An OCI layout with an index for this machine's platform and a foreign one, all blobs there. */
async function multiPlatformArchive(): Promise<Buffer> {
  const blobs = new Map<string, Buffer>();
  const { os, architecture } = hostPlatform();
  const put = (mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } => {
    const digest = digestOf(content);
    blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  };
  const layer = await busyboxLayer();
  const manifests = [architecture, 'riscv64'].map((each) => {
    const config = {
      os,
      architecture: each,
      config: { Env: ['PATH=/bin'], Cmd: ['true'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: `${oci}.manifest.v1+json`,
      config: put(`${oci}.config.v1+json`, json(config)),
      layers: [put(`${oci}.layer.v1.tar+gzip`, gzipSync(layer))],
    };
    return { ...put(manifest.mediaType, json(manifest)), platform: { os, architecture: each } };
  });
  const index = put(`${oci}.index.v1+json`, json({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests }));
  const annotations = { 'org.opencontainers.image.ref.name': 'example.com/multi:1' };
  const members: Member[] = [...blobs].map(([digest, content]) => ({
    name: `blobs/sha256/${digest.slice(7)}`,
    content,
  }));
  return archiveOf(
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: json({ schemaVersion: 2, manifests: [{ ...index, annotations }] }) },
    ...members,
  );
}

const oci = 'application/vnd.oci.image';
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
