/**
 * Garbage: what no image, container, lease or label keeps. This is the mark phase: it reads records only, never blobs,
 * so whoever stores a manifest labels it with what it refers to. Run it inside the transaction that deletes what it
 * finds, and nothing can come to be referenced in between.
 */
import type { Nanoseconds } from '#/base/clock.ts';
import type { Reader, SnapshotRecord } from '#/core/metadata/contract.ts';
import { buildGraph, type NamespaceRecords } from '#/core/metadata/garbage-graph.ts';
import { contentNode, imageNode, ingestNode, isExpired, snapshotNode } from '#/core/metadata/garbage-labels.ts';
import { markReachable } from '#/core/metadata/reachable.ts';
import type { Digest } from '#/oci/digest.ts';

interface InNamespace {
  readonly namespace: string;
}

export interface Garbage {
  readonly content: readonly (InNamespace & { readonly digest: Digest })[];
  /** Children before their parents. */
  readonly snapshots: readonly (InNamespace & { readonly snapshotter: string; readonly key: string })[];
  /** Uploads may be open: whoever deletes them asks the content store first. */
  readonly ingests: readonly (InNamespace & { readonly ref: string })[];
  /** Expired ones. */
  readonly leases: readonly (InNamespace & { readonly id: string })[];
  /** Expired ones that nothing else keeps. */
  readonly images: readonly (InNamespace & { readonly name: string })[];
}

export function findGarbage(reader: Reader, now: Nanoseconds): Garbage {
  const found = reader.listNamespaces().map(({ name }) => garbageOf(name, readRecords(reader, name), now));
  return {
    content: found.flatMap((garbage) => garbage.content),
    snapshots: found.flatMap((garbage) => garbage.snapshots),
    ingests: found.flatMap((garbage) => garbage.ingests),
    leases: found.flatMap((garbage) => garbage.leases),
    images: found.flatMap((garbage) => garbage.images),
  };
}

function readRecords(reader: Reader, namespace: string): NamespaceRecords {
  return {
    content: reader.content.list(namespace),
    snapshots: reader.snapshots.list(namespace),
    images: reader.images.list(namespace),
    ingests: reader.ingests.list(namespace),
    containers: reader.containers.list(namespace),
    leases: reader.leases.list(namespace),
    resources: reader.allLeaseResources(namespace),
  };
}

function garbageOf(namespace: string, records: NamespaceRecords, now: Nanoseconds): Garbage {
  const kept = markReachable(buildGraph(records, now));
  const snapshots = records.snapshots.filter(({ snapshotter, key }) => !kept.has(snapshotNode(snapshotter, key)));
  return {
    content: records.content
      .filter(({ digest }) => !kept.has(contentNode(digest)))
      .map(({ digest }) => ({ namespace, digest })),
    snapshots: childrenFirst(snapshots).map(({ snapshotter, key }) => ({ namespace, snapshotter, key })),
    ingests: records.ingests.filter(({ ref }) => !kept.has(ingestNode(ref))).map(({ ref }) => ({ namespace, ref })),
    leases: records.leases.filter(({ labels }) => isExpired(labels, now)).map(({ id }) => ({ namespace, id })),
    images: records.images.filter(({ name }) => !kept.has(imageNode(name))).map(({ name }) => ({ namespace, name })),
  };
}

/** Places every snapshot after its ancestors, then turns the order round. */
function childrenFirst(snapshots: readonly SnapshotRecord[]): SnapshotRecord[] {
  const listed = new Map(snapshots.map((snapshot) => [snapshotNode(snapshot.snapshotter, snapshot.key), snapshot]));
  const placed = new Set<SnapshotRecord>();
  for (const snapshot of snapshots) {
    const chain = new Set<SnapshotRecord>();
    let next: SnapshotRecord | undefined = snapshot;
    while (next !== undefined && !placed.has(next) && !chain.has(next)) {
      chain.add(next);
      next = listed.get(snapshotNode(next.snapshotter, next.parent));
    }
    for (const member of [...chain].reverse()) placed.add(member);
  }
  return [...placed].reverse();
}
