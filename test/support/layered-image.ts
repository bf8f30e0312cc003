/** Docker archives of any layers, for images that are small, broken or hostile. */
import { digestOf } from '#/oci/digest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { archiveOf, directory, symlink, type Member } from '#/core/layers/archive-fixture.ts';
import { readFile } from 'node:fs/promises';

export interface ImageParts {
  /** Uncompressed tars, bottom first. */
  readonly layers: readonly Uint8Array[];
  readonly architecture?: string;
  /** Said in the config instead of the true digests. */
  readonly diffIds?: readonly string[];
}

const applets = ['sh', 'cat', 'echo', 'sleep', 'true', 'ls', 'test'];

/** A layer with a shell and little else. */
export async function busyboxLayer(...more: readonly Member[]): Promise<Buffer> {
  const busybox = await readFile('/bin/busybox');
  const links = applets.map((name) => symlink(`bin/${name}`, 'busybox'));
  return archiveOf(
    ...['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'].map((name) => directory(name)),
    { name: 'bin/busybox', content: busybox, mode: 0o755 },
    ...links,
    ...more,
  );
}

export function imageConfig({ layers, architecture = hostPlatform().architecture, diffIds }: ImageParts): Buffer {
  return Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture,
      config: { Env: ['PATH=/bin'], Cmd: ['true'] },
      rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map((layer) => digestOf(layer)) },
    }),
  );
}

/** As `docker save` writes it. */
export function dockerArchive(name: string, parts: ImageParts): Buffer {
  const config = imageConfig(parts);
  const configName = `${digestOf(config).slice('sha256:'.length)}.json`;
  const layerName = (index: number): string => `layer-${index}.tar`;
  const manifest = [{ Config: configName, RepoTags: [name], Layers: parts.layers.map((_, index) => layerName(index)) }];
  return archiveOf(
    { name: configName, content: config },
    ...parts.layers.map((content, index) => ({ name: layerName(index), content })),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  );
}
