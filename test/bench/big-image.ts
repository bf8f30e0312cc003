/** An image of one large layer, the same on every machine: an OCI layout as a directory (umoci) and as an archive. */
import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { hostPlatform } from '#/oci/platform.ts';
import type { TarEntry } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';
import { mustRun } from '../support/run-command.ts';

/** Kept from one bench to the next; a change of what is made wants a new name. */
const cache = '/var/cache/berth/bench';
const version = 'big-1';

const name = 'bench.invalid/big:1';
const tag = '1';

const directories = 100;
const filesPerDirectory = 100;
const meanSize = 20_000;

export interface BigImage {
  readonly name: string;
  /** `oci-layout` directory and its tag. */
  readonly layout: string;
  readonly tag: string;
  /** The same as a tar file. */
  readonly archive: string;
  /** Its only layer, a compressed tar file. */
  readonly layer: string;
}

/** Makes the image unless an earlier bench has. */
export async function findBigImage(): Promise<BigImage> {
  const home = join(cache, version);
  if (!existsSync(home)) await makeImage(home);
  const layout = join(home, 'layout');
  return {
    name,
    tag,
    layout,
    archive: join(home, 'image.tar'),
    layer: await findLayer(join(layout, 'blobs/sha256')),
  };
}

async function makeImage(home: string): Promise<void> {
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const making = await mkdtemp(join(cache, 'making-'));
  try {
    await makeLayout(join(making, 'layout'));
    await mustRun('tar', ['-C', join(making, 'layout'), '-cf', join(making, 'image.tar'), '.']);
    await rename(making, home);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** By far the largest blob. */
async function findLayer(blobs: string): Promise<string> {
  const paths = (await readdir(blobs)).map((hex) => join(blobs, hex));
  const sized = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })));
  return sized.sort((a, b) => b.size - a.size)[0]?.path ?? '';
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function makeLayout(layout: string): Promise<void> {
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const { layer, diffId } = await writeLayer(blobs);
  const { os, architecture } = hostPlatform();
  const config = await writeJson(blobs, 'application/vnd.oci.image.config.v1+json', {
    os,
    architecture,
    config: { Cmd: ['/f0/0'] },
    rootfs: { type: 'layers', diff_ids: [diffId] },
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = await writeJson(blobs, mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
  const annotations = { 'org.opencontainers.image.ref.name': tag, 'io.containerd.image.name': name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, platform: { os, architecture }, annotations }] };
  await writeFile(join(layout, 'index.json'), JSON.stringify(index));
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

async function writeJson(blobs: string, mediaType: string, value: unknown): Promise<Blob> {
  const text = JSON.stringify(value);
  const hex = createHash('sha256').update(text).digest('hex');
  await writeFile(join(blobs, hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: text.length };
}

async function writeLayer(blobs: string): Promise<{ readonly layer: Blob; readonly diffId: string }> {
  const path = join(blobs, 'layer');
  const unpacked = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for (const part of layerParts()) {
      unpacked.update(part);
      yield part;
    }
  };
  await pipeline(Readable.from(hashed()), createGzip({ level: 6 }), createWriteStream(path));
  const packed = createHash('sha256');
  await pipeline(createReadStream(path), packed);
  const hex = packed.digest('hex');
  const { size } = await stat(path);
  await rename(path, join(blobs, hex));
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
  return { layer: { mediaType, digest: `sha256:${hex}`, size }, diffId: `sha256:${unpacked.digest('hex')}` };
}

function* layerParts(): Generator<Buffer> {
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  for (let directory = 0; directory < directories; directory++) {
    yield Buffer.from(encodeTarEntry(entry(`f${directory}/`, { type: 'directory', mode: 0o755 })));
    for (let file = 0; file < filesPerDirectory; file++) {
      const size = ((directory * filesPerDirectory + file) * 7919) % (2 * meanSize);
      yield Buffer.from(encodeTarEntry(entry(`f${directory}/${file}`, { type: 'file', size })));
      yield contentOf(size, (length) => noise.update(Buffer.alloc(length)));
      yield Buffer.from(paddingAfter(size));
    }
  }
  yield Buffer.from(tarEnd);
}

const text = Buffer.from(
  'all work and no play makes a dull container, and a dull container compresses well; '.repeat(40),
);

/** Noise and text by turns: shrinks under gzip to about two fifths, as programs do. */
function contentOf(size: number, noise: (length: number) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let made = 0; made < size; made += 2048) {
    parts.push(noise(768), text.subarray(made % 997, (made % 997) + 1280));
  }
  return Buffer.concat(parts).subarray(0, size);
}

function entry(name: string, more: Pick<TarEntry, 'type'> & Partial<TarEntry>): TarEntry {
  const plain = { linkName: '', mode: 0o644, uid: 0, gid: 0, size: 0, modified: 1_600_000_000_000_000_000n };
  return { name, ...plain, deviceMajor: 0, deviceMinor: 0, xattrs: new Map(), ...more };
}
