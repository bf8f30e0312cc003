import type { Labels } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import type { LeaseResource } from '#/core/metadata/contract.ts';
import { conditionsOf, usedTimesOf, type Condition } from '#/core/metadata/garbage-conditions.ts';
import {
  backReferencesOf,
  isExpired,
  isFlat,
  isRoot,
  leaseNode,
  referencesOf,
} from '#/core/metadata/garbage-labels.ts';
import type { GarbageReads, GarbageRecord } from '#/core/metadata/garbage-reads.ts';
import { NodeSet } from '#/core/metadata/node-set.ts';
import type { SourceVisitor } from '#/core/metadata/garbage-source.ts';

/** Before a node that is kept by a flat lease alone. */
const flat = '~';
const resourcesAtOnce = 100;
const nothing: LeaseResource = { type: '', id: '' };

interface Grey {
  readonly node: string;
  /** Where to go on in a long lease. */
  readonly after: LeaseResource;
}

/**
 * The mark phase as a sequence of small steps: nodes are marked, and what is marked is visited once for what it keeps.
 * Records are read when they are visited; whoever changes one afterwards must have it looked at again with `changed`.
 */
export class GarbageMarks implements SourceVisitor {
  readonly #reads: GarbageReads;
  readonly #words: readonly string[];
  readonly #startedAt = now();
  readonly #seen = new NodeSet();
  readonly #grey: Grey[] = [];
  /** What keeps things by word of these things themselves: back references, and sources. */
  readonly #kept = new Map<string, Set<string>>();
  /** By snapshot: conditions of marked records. */
  readonly #conditions = new Map<string, Condition[]>();

  /** `words` are those of the sources. */
  constructor(reads: GarbageReads, words: readonly string[]) {
    this.#reads = reads;
    this.#words = words;
  }

  /** Whether marked nodes wait to be visited. */
  get pending(): boolean {
    return this.#grey.length > 0;
  }

  isKept(node: string): boolean {
    return this.#seen.has(node) || this.#seen.has(flat + node);
  }

  root(node: string): void {
    this.#mark(node);
  }

  reference(keeper: string, kept: string): void {
    const known = this.#kept.get(keeper);
    if (known === undefined) this.#kept.set(keeper, new Set([kept]));
    else known.add(kept);
    if (this.#seen.has(keeper)) this.#mark(kept);
  }

  /** Looks at a record for the first time: is it kept by itself, and what does it say of its keepers? */
  examine(record: GarbageRecord): void {
    if (this.#isRoot(record)) this.#mark(record.node);
    for (const keeper of backReferencesOf(record.labels)) this.reference(keeper, record.node);
  }

  /** What a record that changed says now: its references were perhaps visited before. A new one is kept this time. */
  changed(node: string, isNew: boolean): void {
    const record = this.#reads.find(node);
    if (record === undefined) return;
    this.examine(record);
    if (isNew && record.kind !== 'leases') this.#mark(node);
    for (const condition of this.#conditions.get(node) ?? []) this.#test(condition, record);
    if (this.#seen.has(node)) this.#grey.push({ node, after: nothing });
    if (this.#seen.has(flat + node)) this.#grey.push({ node: flat + node, after: nothing });
  }

  /** A lease has got one more resource. */
  leased(lease: string, { type, id }: LeaseResource): void {
    const record = this.#reads.find(leaseNode(lease));
    if (record === undefined || !this.#isRoot(record)) return;
    this.#markResource(record.labels, { type, id });
  }

  /** Whether it needs nobody to keep it. */
  #isRoot({ kind, labels, expiresAt }: GarbageRecord): boolean {
    switch (kind) {
      case 'containers':
        return true;
      case 'leases':
      case 'images':
        return !isExpired(labels, this.#startedAt);
      case 'ingests':
        return expiresAt !== 0n && expiresAt >= this.#startedAt;
      case 'content':
      case 'snapshots':
        return isRoot(labels);
    }
  }

  /** Visits one marked node. */
  step(): void {
    const grey = this.#grey.pop();
    if (grey === undefined) return;
    const isFlatNode = grey.node.startsWith(flat);
    const node = isFlatNode ? grey.node.slice(flat.length) : grey.node;
    if (!isFlatNode) for (const kept of this.#kept.get(node) ?? []) this.#mark(kept);
    const record = this.#reads.find(node);
    if (record === undefined) return;
    for (const kept of record.keeps) this.#mark(isFlatNode ? flat + kept : kept);
    if (isFlatNode) return;
    if (record.kind === 'leases') this.#visitLease(record, grey.after);
    else for (const kept of referencesOf(record.labels, this.#words)) this.#mark(kept);
    if (record.kind === 'content' || record.kind === 'images')
      for (const condition of conditionsOf(record.labels)) this.#addCondition(condition);
  }

  /** What a record that is garbage keeps among the others: those may only go after it. */
  keptBy(node: string): string[] {
    const record = this.#reads.find(node);
    const named = record === undefined ? [] : [...record.keeps, ...referencesOf(record.labels, this.#words)];
    return [...named, ...(this.#kept.get(node) ?? [])];
  }

  #mark(node: string): void {
    if (this.#seen.add(node)) this.#grey.push({ node, after: nothing });
  }

  #visitLease({ node, labels }: GarbageRecord, after: LeaseResource): void {
    const resources = this.#reads.resources(node.slice(leaseNode('').length), after, resourcesAtOnce);
    const last = resources.at(-1);
    if (last !== undefined && resources.length === resourcesAtOnce) this.#grey.push({ node, after: last });
    for (const resource of resources) this.#markResource(labels, resource);
  }

  /** An upload is kept with the blob that it expects, also by a flat lease. */
  #markResource(lease: Labels, { type, id }: LeaseResource): void {
    this.#mark(`${isFlat(lease) && type !== 'ingests' ? flat : ''}${type}/${id}`);
  }

  #addCondition(condition: Condition): void {
    const known = this.#conditions.get(condition.node);
    if (known === undefined) this.#conditions.set(condition.node, [condition]);
    else known.push(condition);
    const snapshot = this.#reads.find(condition.node);
    if (snapshot !== undefined) this.#test(condition, snapshot);
  }

  #test({ node, holds }: Condition, { labels }: GarbageRecord): void {
    if (usedTimesOf(labels).some((used) => holds(this.#startedAt - used))) this.#mark(node);
  }
}
