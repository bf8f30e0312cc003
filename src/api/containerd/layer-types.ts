import { EngineError } from '#/base/errors.ts';
import type { Compression } from '#/core/layers/contract.ts';

/** Media types of layers, without the suffix that names the compression; foreign ones are layers as well. */
const layerTypes: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
]);

const compressions: Readonly<Record<string, Compression>> = {
  '': 'none',
  '+gzip': 'gzip',
  '.gzip': 'gzip',
  '+zstd': 'zstd',
  '.zstd': 'zstd',
};

function splitType(mediaType: string): { readonly base: string; readonly compression: Compression | undefined } {
  const suffix = /(?:[+.](?:gzip|zstd))?$/.exec(mediaType)?.[0] ?? '';
  return { base: mediaType.slice(0, mediaType.length - suffix.length), compression: compressions[suffix] };
}

/** Throws `unimplemented` for what is no tar layer; how it is compressed, its bytes say themselves. */
export function checkLayerType(mediaType: string): void {
  if (!layerTypes.has(splitType(mediaType).base))
    throw new EngineError('unimplemented', `Cannot apply a "${mediaType}": only tar layers can be applied`);
}

/** How a layer of this type is written. Throws `unimplemented` for a type that is not offered. */
export function compressionOf(mediaType: string): Compression {
  const { base, compression } = splitType(mediaType);
  if (layerTypes.has(base) && compression !== undefined) return compression;
  throw new EngineError('unimplemented', `Cannot make a "${mediaType}": tar layers, plain, gzip or zstd, are offered`);
}
