import { EngineError } from '#/base/errors.ts';
import type { Compression } from '#/core/layers/contract.ts';

/** Media types of layers, without the suffix that names the compression; foreign ones are layers as well. */
const layerTypes: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
]);

/** Throws `unimplemented` for what is no tar layer; how it is compressed, its bytes say themselves. */
export function checkLayerType(mediaType: string): void {
  if (!layerTypes.has(mediaType.replace(/[+.](?:gzip|zstd)$/, '')))
    throw new EngineError('unimplemented', `Cannot apply a "${mediaType}": only tar layers can be applied`);
}

const offered: Readonly<Record<string, Compression>> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zstd',
};

/** How a layer of this type is written. Throws `unimplemented` for a type that is not offered, as Docker's are not. */
export function compressionOf(mediaType: string): Compression {
  const compression = offered[mediaType];
  if (compression !== undefined) return compression;
  const types = Object.keys(offered).join(', ');
  throw new EngineError('unimplemented', `Cannot make a "${mediaType}": offered are ${types}`);
}
