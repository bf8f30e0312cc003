import type { Labels } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type {
  ContainerRecord,
  ContentRecord,
  ImageRecord,
  IngestRecord,
  LeaseRecord,
  LeaseResource,
  SnapshotRecord,
} from '#/core/metadata/contract.ts';
import {
  backReferencesOf,
  containerNode,
  contentNode,
  imageNode,
  ingestNode,
  isExpired,
  isFlat,
  isRoot,
  referencesOf,
  snapshotNode,
} from '#/core/metadata/garbage-labels.ts';
import { addEdges, emptyGraph, type Graph } from '#/core/metadata/reachable.ts';

/** How long an upload that no lease keeps may take, from its start. */
const ingestLifetime: Nanoseconds = 24n * 3600n * 1_000_000_000n;

/** All of one namespace that keeps things or can be kept. */
export interface NamespaceRecords {
  readonly content: readonly ContentRecord[];
  readonly snapshots: readonly SnapshotRecord[];
  readonly images: readonly ImageRecord[];
  readonly ingests: readonly IngestRecord[];
  readonly containers: readonly ContainerRecord[];
  readonly leases: readonly LeaseRecord[];
  readonly resources: readonly (LeaseResource & { readonly lease: string })[];
}

export function buildGraph(records: NamespaceRecords, now: Nanoseconds): Graph {
  const graph = emptyGraph();
  for (const { digest, labels } of records.content) {
    addLabelled(graph, contentNode(digest), labels);
    if (isRoot(labels)) graph.roots.push(contentNode(digest));
  }
  for (const snapshot of records.snapshots) addSnapshot(graph, snapshot);
  for (const { name, labels, target } of records.images) {
    addLabelled(graph, imageNode(name), labels);
    addEdges(graph, imageNode(name), [contentNode(target.digest)]);
    if (!isExpired(labels, now)) graph.roots.push(imageNode(name));
  }
  for (const { ref, expected, startedAt } of records.ingests) {
    if (expected !== '') addEdges(graph, ingestNode(ref), [contentNode(expected)]);
    if (now - startedAt < ingestLifetime) graph.roots.push(ingestNode(ref));
  }
  for (const { id, labels, snapshotter, snapshotKey } of records.containers) {
    addLabelled(graph, containerNode(id), labels);
    if (snapshotKey !== '') addEdges(graph, containerNode(id), [snapshotNode(snapshotter, snapshotKey)]);
    graph.roots.push(containerNode(id));
  }
  addLeases(graph, records, now);
  return graph;
}

function addLabelled(graph: Graph, node: string, labels: Labels): void {
  addEdges(graph, node, referencesOf(labels));
  for (const keeper of backReferencesOf(labels)) addEdges(graph, keeper, [node]);
}

function addSnapshot(graph: Graph, { snapshotter, key, parent, labels }: SnapshotRecord): void {
  const node = snapshotNode(snapshotter, key);
  addLabelled(graph, node, labels);
  if (parent !== '') graph.parents.set(node, snapshotNode(snapshotter, parent));
  if (isRoot(labels)) graph.roots.push(node);
}

function addLeases(graph: Graph, { leases, resources }: NamespaceRecords, now: Nanoseconds): void {
  const live = new Map(leases.filter(({ labels }) => !isExpired(labels, now)).map((lease) => [lease.id, lease]));
  for (const { lease, type, id } of resources) {
    const holder = live.get(lease);
    if (holder === undefined) continue;
    const roots = isFlat(holder.labels) ? graph.flatRoots : graph.roots;
    roots.push(`${type}/${id}`);
  }
}
