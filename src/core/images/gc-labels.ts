import type { Labels } from '#/base/any.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { Digest } from '#/oci/digest.ts';
import type { ImageManifest } from '#/oci/manifest.ts';
import type { Reference } from '#/oci/reference.ts';

const contentReference = 'containerd.io/gc.ref.content';
export const uncompressedLabel = 'containerd.io/uncompressed';
export const snapshotTargetLabel = 'containerd.io/snapshot.ref';
export const expireLabel = 'containerd.io/gc.expire';

/** What a manifest keeps: its config and its layers. */
export function manifestLabels({ config, layers }: ImageManifest): Labels {
  const entries = layers.map(({ digest }, index) => [`${contentReference}.l.${index}`, digest] as const);
  return { [`${contentReference}.config`]: config.digest, ...Object.fromEntries(entries) };
}

/** What an index keeps: those of its manifests that were fetched, by their place in it. */
export function indexLabels(manifests: readonly Descriptor[], isKept: (digest: Digest) => boolean): Labels {
  const entries = manifests.flatMap(({ digest }, index) =>
    isKept(digest) ? [[`${contentReference}.m.${index}`, digest] as const] : [],
  );
  return Object.fromEntries(entries);
}

export const unpackedLabel = (snapshotter: string): string => `containerd.io/gc.ref.snapshot.${snapshotter}`;

export const sourceLabel = (domain: string): string => `containerd.io/distribution.source.${domain}`;

export const sourceOf = ({ domain, path }: Reference): Labels => ({ [sourceLabel(domain)]: path });

const longestSources = 3000;

/** Adds a repository to those that a blob is known to come from. */
export function withSource(labels: Labels, { domain, path }: Reference): Labels {
  const key = sourceLabel(domain);
  const known = (labels[key] ?? '').split(',').filter((repository) => repository !== '' && repository !== path);
  const all = [...known, path].join(',');
  return { ...labels, [key]: all.length > longestSources ? path : all };
}
