/**
 * Images: names for content that can be run. Pull, push, import and export move them; unpack turns their layers into
 * snapshots.
 */
import type { Labels } from '#/base/any.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { RegistryOptions } from '#/core/registry/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import type { ImageConfig, ImageManifest } from '#/oci/manifest.ts';
import type { Platform } from '#/oci/platform.ts';
import type { Reference } from '#/oci/reference.ts';

/** What a long operation tells on its way. Digests name the blob concerned. */
export type ImageProgress =
  | { readonly kind: 'found'; readonly descriptor: Descriptor; readonly parent: Descriptor | undefined }
  | { readonly kind: 'resolving'; readonly name: string }
  | { readonly kind: 'resolved'; readonly name: string; readonly target: Descriptor }
  | { readonly kind: 'layers'; readonly layers: readonly Descriptor[] }
  | { readonly kind: 'waiting' | 'exists' | 'downloaded' | 'unpacked'; readonly digest: Digest }
  | {
      readonly kind: 'downloading' | 'extracting' | 'uploading';
      readonly digest: Digest;
      readonly current: number;
      readonly total: number;
    }
  | { readonly kind: 'uploaded' | 'mounted'; readonly digest: Digest }
  | { readonly kind: 'left-out'; readonly descriptor: Descriptor; readonly why: string }
  | { readonly kind: 'stored'; readonly name: string; readonly target: Descriptor };

export interface ImageOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ImageProgress) => void;
}

/** Which parts of an image are meant. */
export interface ContentSelection {
  /** Default: the host's. An empty list means all. */
  readonly platforms?: readonly Platform[];
  /** Manifests and configs of the other platforms too, without their layers. */
  readonly allMetadata?: boolean;
  /** So many manifests of an index at most, the best first. */
  readonly manifestLimit?: number;
}

export interface UnpackTarget {
  readonly platform: Platform;
  readonly snapshotter: string;
}

/** How to reach a registry and log in there. */
export type RegistryAccess = Omit<RegistryOptions, 'signal'>;

export interface PullImage extends ImageOptions, ContentSelection {
  readonly reference: Reference;
  readonly access?: RegistryAccess;
  /** What to unpack of what was chosen; default: nothing. */
  readonly unpacks?: readonly UnpackTarget[];
  /** Takes what cannot run too, such as artifacts and images for other platforms without an index; it is not unpacked. */
  readonly lenient?: boolean;
  readonly labels?: Labels;
  /** The names to store it under. Default: the reference, with `labels`. */
  readonly nameTargets?: NameTargets;
}

export interface PushImage extends ImageOptions {
  /** The stored name. */
  readonly name: string;
  readonly reference: Reference;
  /** What must go. Default, and an empty list: all that there is. */
  readonly platforms?: readonly Platform[];
  readonly access?: RegistryAccess;
  /** What is not here is taken from where the image came from. */
  readonly complete?: boolean;
}

export interface ImportImages extends ImageOptions {
  /** An OCI layout or a docker archive, as a tar that may be compressed. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Take what is in it for these; default, and an empty list: all. */
  readonly platforms?: readonly Platform[];
  readonly unpacks?: readonly UnpackTarget[];
  /** Names images for other platforms too, without unpacking them. */
  readonly lenient?: boolean;
  /** Compress the plain layers of docker archives, which come without a manifest that would say otherwise. */
  readonly compressLayers?: boolean;
  /** The names of each image. Default: those that the archive gives it; without any, its digest. */
  readonly nameEntry?: NameTargets;
  /** Names for the index of the archive itself. Default: none. */
  readonly nameWhole?: NameTargets;
}

export interface ExportImages extends ImageOptions {
  /** Stored names, or digests. */
  readonly names: readonly string[];
  /** What must be in the archive. Default, and an empty list: all that is here. */
  readonly platforms?: readonly Platform[];
  /** All that an index names must be in the archive. */
  readonly allPlatforms?: boolean;
  /** Instead of an index the manifest that fits the one platform. */
  readonly flatten?: boolean;
  /** What is not here is taken from where the image came from. */
  readonly complete?: boolean;
  /** Leave manifest.json out, by which older tools know the archive. */
  readonly skipDockerManifest?: boolean;
  /** Leave layers out that may not be distributed, though they are here. */
  readonly skipForeign?: boolean;
}

export interface NamedTarget {
  readonly name: string;
  readonly target: Descriptor;
  /** Absent: an existing image keeps its labels. */
  readonly labels?: Labels | undefined;
}

/** Gives what came its names. */
export type NameTargets = (target: Descriptor) => readonly NamedTarget[];

/** An image resolved for one platform, its documents read. */
export interface ResolvedImage {
  readonly manifestDescriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly configDigest: Digest;
  /** Chain ids, bottom first; the last is the parent of a container's root. */
  readonly chain: readonly Digest[];
}

export interface Images {
  /**
   * Fetches and stores an image; when it resolves, the image is durable and, if asked, unpacked. Two pulls of one image
   * share their downloads. `not-found` when the registry lacks it or it has no such platform.
   */
  pull(namespace: string, options: PullImage): Promise<ImageRecord>;
  push(namespace: string, options: PushImage): Promise<Descriptor>;
  import(namespace: string, options: ImportImages): Promise<ImageRecord[]>;
  /** An archive that is both an OCI layout and a docker archive. */
  export(namespace: string, options: ExportImages): AsyncIterable<Uint8Array>;
  /** Gives the target of `source` another name, replacing what had it. */
  tag(namespace: string, source: string, target: Reference): Promise<ImageRecord>;
  /** Gives the target of `source` the names that `nameTargets` says. */
  name(namespace: string, source: string, nameTargets: NameTargets): Promise<ImageRecord[]>;
  /** Throws `not-found`. What nothing references any more is collected. */
  remove(namespace: string, name: string): Promise<void>;
  /** By name, short name, `repo@digest`, digest, or an unambiguous prefix of an id. `invalid-argument` when ambiguous. */
  find(namespace: string, text: string): Promise<ImageRecord | undefined>;
  get(namespace: string, text: string): Promise<ImageRecord>;
  list(namespace: string): ImageRecord[];
  /** Reads manifest and config for a platform (default: the host's). `not-found` names the missing platform or blob. */
  resolve(namespace: string, target: Descriptor, platform?: Platform): Promise<ResolvedImage>;
  /** Makes the snapshots of an image; returns the top chain id. Two unpacks of one image share their work. */
  unpack(namespace: string, image: ResolvedImage, snapshotter: string, options?: ImageOptions): Promise<Digest>;
  /** Ends what a daemon that died was at and nobody can go on with: imports, exports, pushes. Before anything begins. */
  recover(): Promise<void>;
  /** Drops what no image, container or lease references. */
  collectGarbage(): Promise<{ readonly deleted: readonly Digest[]; readonly freed: number }>;
}
