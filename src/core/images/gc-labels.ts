import type { Labels } from '#/base/any.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { isConfigType, isLayerType, isManifestType } from '#/oci/manifest.ts';
import type { Reference } from '#/oci/reference.ts';

const contentReference = 'containerd.io/gc.ref.content';
export const uncompressedLabel = 'containerd.io/uncompressed';
export const snapshotTargetLabel = 'containerd.io/snapshot.ref';
export const expireLabel = 'containerd.io/gc.expire';
export const imageBackReference = 'containerd.io/gc.bref.image';

/** What an index or a manifest keeps, as containerd's clients label it: each kind of child has its own count. */
export function childLabels(children: readonly Descriptor[]): Labels {
  const counts = new Map<string, number>();
  const entries = children.map((child) => {
    const kind = childKind(child);
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const number = count > 0 || kind.endsWith('.') ? String(count) : '';
    return [`${contentReference}${kind}${number}`, child.digest] as const;
  });
  return Object.fromEntries(entries);
}

function childKind({ mediaType }: Descriptor): string {
  if (isConfigType(mediaType)) return '.config';
  if (isManifestType(mediaType)) return '.m.';
  return isLayerType(mediaType) ? '.l.' : '.';
}

export const unpackedLabel = (snapshotter: string): string => `containerd.io/gc.ref.snapshot.${snapshotter}`;

const sourcePrefix = 'containerd.io/distribution.source.';

/** Go's clients leave the port out. */
export const sourceHost = (domain: string): string => domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

export const sourceLabel = (domain: string): string => `${sourcePrefix}${sourceHost(domain)}`;

export const sourceOf = ({ domain, path }: Reference): Labels => ({ [sourceLabel(domain)]: path });

const longestSources = 3000;

/** Adds a repository to those that a blob is known to come from. */
export function withSource(labels: Labels, { domain, path }: Reference): Labels {
  const key = sourceLabel(domain);
  const known = (labels[key] ?? '').split(',').filter((repository) => repository !== '');
  const all = [...new Set([...known, path])].toSorted().join(',');
  return { ...labels, [key]: all.length > longestSources ? path : all };
}

export interface Source {
  /** Of the registry, without its port. */
  readonly host: string;
  readonly path: string;
}

/** The repositories that a blob is known to come from. */
export function sourcesOf(labels: Labels): Source[] {
  return Object.entries(labels).flatMap(([key, value]) =>
    key.startsWith(sourcePrefix)
      ? value.split(',').map((path) => ({ host: key.slice(sourcePrefix.length), path }))
      : [],
  );
}

export const onlySources = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => key.startsWith(sourcePrefix)));
