import type { Change, LeaseResource, RecordKind } from '#/core/metadata/contract.ts';
import type { JournalObserver } from '#/core/metadata/change-journal.ts';
import { containerNode, contentNode, imageNode, ingestNode, leaseNode } from '#/core/metadata/garbage-labels.ts';

/** What was written to one namespace. */
export interface Written {
  /** The nodes of records, and whether each is new. */
  readonly nodes: ReadonlyMap<string, boolean>;
  readonly leased: readonly (LeaseResource & { readonly lease: string })[];
}

interface Notes {
  nodes: Map<string, boolean>;
  leased: (LeaseResource & { readonly lease: string })[];
}

const blank = (): Notes => ({ nodes: new Map(), leased: [] });

/**
 * Notes what is written to a namespace while the collector is at work there. Also what is rolled back: to look at a
 * record once too often does no harm. Deletions are of no interest, as they keep nothing.
 */
export class WrittenNotes implements JournalObserver {
  #namespace: string | undefined;
  #notes = blank();

  start(namespace: string): void {
    this.#namespace = namespace;
    this.#notes = blank();
  }

  stop(): void {
    this.#namespace = undefined;
    this.#notes = blank();
  }

  /** Hands over the notes, and begins anew. */
  take(): Written {
    const notes = this.#notes;
    if (notes.nodes.size + notes.leased.length > 0) this.#notes = blank();
    return notes;
  }

  changed({ namespace, kind, id, op }: Change): void {
    if (namespace !== this.#namespace || op === 'delete') return;
    const node = nodeOf(kind, id);
    if (node !== undefined) this.#notes.nodes.set(node, op === 'create' || this.#notes.nodes.get(node) === true);
  }

  leased(namespace: string, lease: string, resource: LeaseResource): void {
    if (namespace === this.#namespace) this.#notes.leased.push({ ...resource, lease });
  }
}

function nodeOf(kind: RecordKind, id: string): string | undefined {
  switch (kind) {
    case 'image':
      return imageNode(id);
    case 'content':
      return contentNode(id);
    case 'ingest':
      return ingestNode(id);
    case 'container':
      return containerNode(id);
    case 'lease':
      return leaseNode(id);
    case 'snapshot':
      return `snapshots/${id}`;
    // Sandboxes and mounts are a GarbageSource's.
    case 'sandbox':
    case 'mount':
    case 'namespace':
      return undefined;
  }
}
