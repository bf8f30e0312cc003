import { EngineError } from '#/base/errors.ts';
import { digestOf, isDigest, parseDigest, type Digest } from '#/oci/digest.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { rankPlatform, type Platform } from '#/oci/platform.ts';

export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
} as const;

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

/** The config of a container image, not of another artifact. */
export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig;
}

export function isLayerType(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.')
  );
}

/** image-spec manifest.md. */
export interface ImageManifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
}

/** image-spec image-index.md. */
export interface ImageIndex {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface HealthConfig {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** The `config` member of an image configuration: what a container starts from. */
export interface ImageRunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Shell?: readonly string[];
  readonly OnBuild?: readonly string[];
  readonly Healthcheck?: HealthConfig;
}

export interface ImageHistory {
  readonly created?: string;
  readonly author?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** image-spec config.md. */
export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly platform: Platform;
  readonly config: ImageRunConfig;
  readonly diffIds: readonly Digest[];
  readonly history: readonly ImageHistory[];
}

/** Limits on documents from outside. */
export const maxManifestBytes: number = 8 * 1024 * 1024;
export const maxLayers = 1000;
const maxManifests = 10_000;

type Json = Readonly<Record<string, unknown>>;

function refuse(what: string, why: string): never {
  throw new EngineError('invalid-argument', `Cannot read ${what}: ${why}`);
}

function parseObject(what: string, bytes: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new EngineError('invalid-argument', `Cannot read ${what}: it is not JSON`, { cause });
  }
  if (!isObject(value)) refuse(what, 'it is not a JSON object');
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function stringRecord(what: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) refuse(what, 'annotations or labels are not an object');
  for (const [key, entry] of Object.entries(value))
    if (typeof entry !== 'string') refuse(what, `the value of "${key}" is not a string`);
  return value as Readonly<Record<string, string>>;
}

/** Reads one descriptor from a document. */
export function readDescriptor(what: string, value: unknown): Descriptor {
  if (!isObject(value)) refuse(what, 'a descriptor is not an object');
  const { mediaType, digest, size, annotations, platform, urls, artifactType } = value;
  if (typeof mediaType !== 'string' || mediaType === '') refuse(what, 'a descriptor has no mediaType');
  if (typeof digest !== 'string' || !isDigest(digest)) refuse(what, `${JSON.stringify(digest)} is not a digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    refuse(what, `${JSON.stringify(size)} is not a size`);
  return {
    mediaType,
    digest,
    size,
    ...(annotations === undefined || annotations === null ? {} : { annotations: stringRecord(what, annotations) }),
    ...(isObject(platform) ? { platform: readPlatform(what, platform) } : {}),
    ...(Array.isArray(urls) ? { urls: urls.filter((url): url is string => typeof url === 'string') } : {}),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
  };
}

function readPlatform(what: string, value: Json): Platform {
  const { os, architecture, variant } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string') refuse(what, 'a platform lacks os or architecture');
  return {
    os,
    architecture,
    ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    ...(typeof value['os.version'] === 'string' ? { 'os.version': value['os.version'] } : {}),
  };
}

/** Reads a manifest or an index; which one it is follows from `mediaType`, and from the document where that is silent. */
export function parseManifestOrIndex(
  digest: Digest,
  mediaType: string,
  bytes: Uint8Array,
):
  | { readonly kind: 'index'; readonly index: ImageIndex }
  | { readonly kind: 'manifest'; readonly manifest: ImageManifest } {
  const what = `manifest ${digest}`;
  const document = parseObject(what, bytes);
  if (document['schemaVersion'] === 1)
    refuse(what, 'it is a schema 1 manifest, which registries gave up; push the image again with a current tool');
  const stated = typeof document['mediaType'] === 'string' ? document['mediaType'] : mediaType;
  if (Array.isArray(document['manifests']) && Array.isArray(document['layers']))
    refuse(what, 'it has both "manifests" and "layers"');
  if (isIndexType(stated) || Array.isArray(document['manifests']))
    return { kind: 'index', index: readIndex(what, stated, document) };
  return { kind: 'manifest', manifest: readManifest(what, stated, document) };
}

function readIndex(what: string, mediaType: string, document: Json): ImageIndex {
  const manifests = document['manifests'] ?? [];
  if (!Array.isArray(manifests)) refuse(what, '"manifests" is not a list');
  if (manifests.length > maxManifests) refuse(what, `it lists more than ${maxManifests} manifests`);
  return {
    mediaType: isIndexType(mediaType) ? mediaType : mediaTypes.ociIndex,
    manifests: manifests.map((entry) => readDescriptor(what, entry)),
    annotations: stringRecord(what, document['annotations']),
  };
}

function readManifest(what: string, mediaType: string, document: Json): ImageManifest {
  const layers = document['layers'] ?? [];
  if (!Array.isArray(layers)) refuse(what, '"layers" is not a list');
  if (layers.length > maxLayers) refuse(what, `it lists ${layers.length} layers, more than ${maxLayers}`);
  return {
    mediaType: isManifestType(mediaType) ? mediaType : mediaTypes.ociManifest,
    config: readDescriptor(what, document['config']),
    layers: layers.map((entry) => readDescriptor(what, entry)),
    annotations: stringRecord(what, document['annotations']),
    ...(isObject(document['subject']) ? { subject: readDescriptor(what, document['subject']) } : {}),
  };
}

/** Reads an image configuration. `platform` is what it says of itself; empty texts when it is silent. */
export function parseImageConfig(digest: Digest, bytes: Uint8Array): ImageConfig {
  const what = `image config ${digest}`;
  const document = parseObject(what, bytes);
  const rootfs = document['rootfs'];
  const diffIds = isObject(rootfs) ? (rootfs['diff_ids'] ?? []) : [];
  if (!Array.isArray(diffIds) || diffIds.length > maxLayers) refuse(what, '"rootfs.diff_ids" is not a short list');
  const { os, architecture, variant, created, author, config, history } = document;
  return {
    ...(typeof created === 'string' ? { created } : {}),
    ...(typeof author === 'string' ? { author } : {}),
    platform: {
      os: typeof os === 'string' ? os : '',
      architecture: typeof architecture === 'string' ? architecture : '',
      ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    },
    config: isObject(config) ? readRunConfig(what, config) : {},
    diffIds: diffIds.map((entry) =>
      typeof entry === 'string' ? parseDigest(entry) : refuse(what, 'a diff id is not text'),
    ),
    history: Array.isArray(history) ? history.filter(isObject) : [],
  };
}

const listMembers = ['Env', 'Entrypoint', 'Cmd', 'Shell', 'OnBuild'] as const;
const textMembers = ['User', 'WorkingDir', 'StopSignal'] as const;
const mapMembers = ['ExposedPorts', 'Volumes', 'Labels', 'Healthcheck'] as const;

/** Keeps the members that are of the right shape; an image that says `Env: 3` is refused rather than half-read. */
function readRunConfig(what: string, config: Json): ImageRunConfig {
  const result: Record<string, unknown> = {};
  for (const member of listMembers) {
    const value = config[member];
    if (value === undefined || value === null) continue;
    const list = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string'))
      refuse(what, `"config.${member}" is not a list of texts`);
    result[member] = list;
  }
  for (const member of textMembers) {
    const value = config[member];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') refuse(what, `"config.${member}" is not a text`);
    result[member] = value;
  }
  for (const member of mapMembers) {
    const value = config[member];
    if (value === undefined || value === null) continue;
    if (!isObject(value)) refuse(what, `"config.${member}" is not an object`);
    result[member] = value;
  }
  return result;
}

/** Chain ids, bottom first (image-spec config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

/** An attestation or another non-runnable entry of an index. */
export function isAttestation(descriptor: Descriptor): boolean {
  return (
    descriptor.platform?.os === 'unknown' ||
    descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'
  );
}

/** The manifest of an index that fits a platform best; undefined when none does. Entries that name none fit last. */
export function selectManifest(index: ImageIndex, wanted: Platform): Descriptor | undefined {
  const ranked = index.manifests
    .filter((descriptor) => !isAttestation(descriptor))
    .map((descriptor) => ({
      descriptor,
      rank: descriptor.platform === undefined ? Number.MAX_SAFE_INTEGER : rankPlatform(wanted, descriptor.platform),
    }))
    .filter((entry): entry is { descriptor: Descriptor; rank: number } => entry.rank !== undefined);
  return ranked.sort((a, b) => a.rank - b.rank)[0]?.descriptor;
}
