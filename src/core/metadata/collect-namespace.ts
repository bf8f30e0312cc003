import type { TimeSlices } from '#/base/time-slices.ts';
import type { Removed, Transaction } from '#/core/metadata/contract.ts';
import { orderGarbage } from '#/core/metadata/garbage-order.ts';
import { sourceNode } from '#/core/metadata/garbage-labels.ts';
import { GarbageMarks } from '#/core/metadata/garbage-marks.ts';
import { garbageKinds, type GarbageKind, type GarbageReads } from '#/core/metadata/garbage-reads.ts';
import type { GarbageSource } from '#/core/metadata/garbage-source.ts';
import type { Written } from '#/core/metadata/written-notes.ts';

const recordsAtOnce = 50;
/** How often in a row the sweep lets go of the loop to look at what others wrote; then it does so at once. */
const mostRetries = 20;

const collected: readonly GarbageKind[] = ['leases', 'images', 'ingests', 'content', 'snapshots'];

export interface CollectNamespace {
  readonly reads: GarbageReads;
  readonly sources: readonly GarbageSource[];
  readonly namespace: string;
  readonly slices: TimeSlices;
  /** Hands over what was written since the last call, and forgets it. */
  readonly takeWritten: () => Written;
  /** Runs in a transaction of its own. */
  readonly write: <T>(change: (tx: Transaction) => T) => Promise<T>;
  /** Deletes the record of a node that nothing keeps, if there is one still. */
  readonly remove: (tx: Transaction, node: string) => Removed | undefined;
}

/**
 * Marks and sweeps one namespace in short turns of the event loop, while others go on writing.
 *
 * What keeps it right: a record is read when it is visited, and whatever is written afterwards is looked at again before
 * anything more is deleted, within the very transaction that deletes. So at each deletion all that can be reached is
 * marked. And garbage goes in such an order that what keeps something goes before it: nobody finds a manifest whose
 * layers are gone already.
 */
export async function collectNamespace(work: CollectNamespace): Promise<Removed[]> {
  const words = work.sources.flatMap(({ word }) => (word === undefined ? [] : [word]));
  const marks = new GarbageMarks(work.reads, words);
  await mark(work, marks);
  const garbage = await listGarbage(work, marks);
  const ordered = await orderGarbage(garbage, (node) => marks.keptBy(node), work.slices);
  const removed = await sweep(work, marks, ordered);
  await removeFromSources(work, marks);
  return removed;
}

async function mark(work: CollectNamespace, marks: GarbageMarks): Promise<void> {
  lookAgain(work, marks);
  for (const kind of garbageKinds)
    for (let after = ''; ;) {
      const page = work.reads.page(kind, after, recordsAtOnce);
      for (const record of page) marks.examine(record);
      const last = page.at(-1);
      if (last === undefined || page.length < recordsAtOnce) break;
      after = last.node;
      if (work.slices.isOver) await work.slices.next();
    }
  await follow(work, marks);
}

/** Visits all that is marked, and looks again at what was written meanwhile, until nothing is left to see. */
async function follow(work: CollectNamespace, marks: GarbageMarks): Promise<void> {
  for (noteWritten(work, marks); marks.pending; noteWritten(work, marks)) {
    do marks.step();
    while (marks.pending && !work.slices.isOver);
    if (work.slices.isOver) await work.slices.next();
  }
}

/** Sources have no journal, so they are asked anew. */
function lookAgain(work: CollectNamespace, marks: GarbageMarks): void {
  for (const source of work.sources) source.scan(work.namespace, marks);
  noteWritten(work, marks);
}

function noteWritten({ takeWritten }: CollectNamespace, marks: GarbageMarks): void {
  const { nodes, leased } = takeWritten();
  for (const [node, isNew] of nodes) marks.changed(node, isNew);
  for (const { lease, ...resource } of leased) marks.leased(lease, resource);
}

async function listGarbage({ reads, slices }: CollectNamespace, marks: GarbageMarks): Promise<string[]> {
  const garbage: string[] = [];
  for (const kind of collected)
    for (let after = ''; ;) {
      const page = reads.page(kind, after, recordsAtOnce);
      for (const { node } of page) if (!marks.isKept(node)) garbage.push(node);
      const last = page.at(-1);
      if (last === undefined || page.length < recordsAtOnce) break;
      after = last.node;
      if (slices.isOver) await slices.next();
    }
  return garbage;
}

async function sweep(work: CollectNamespace, marks: GarbageMarks, garbage: readonly string[]): Promise<Removed[]> {
  const removed: Removed[] = [];
  let done = 0;
  for (let retries = 0; done < garbage.length;) {
    await follow(work, marks);
    await work.slices.next();
    const step = await inTransaction(work, (tx) => {
      lookAgain(work, marks);
      if (marks.pending && retries < mostRetries) return undefined;
      while (marks.pending) marks.step();
      return removeSome(work.slices, garbage, done, (node) => (marks.isKept(node) ? undefined : work.remove(tx, node)));
    });
    retries = step === undefined ? retries + 1 : 0;
    if (step === undefined) continue;
    removed.push(...step.removed);
    done = step.next;
  }
  return removed;
}

/** The turns of the loop that pass while the write waits for its own are not the collector's. */
async function inTransaction<T>({ slices, write }: CollectNamespace, change: (tx: Transaction) => T): Promise<T> {
  slices.pause();
  const result = await write((tx) => {
    slices.resume();
    const value = change(tx);
    slices.pause();
    return value;
  });
  slices.resume();
  return result;
}

interface Step {
  readonly next: number;
  readonly removed: readonly Removed[];
}

/** As much as fits into one turn, and at least one. */
function removeSome(
  slices: TimeSlices,
  garbage: readonly string[],
  from: number,
  remove: (node: string) => Removed | undefined,
): Step {
  const removed: Removed[] = [];
  let next = from;
  do {
    const one = remove(garbage[next] ?? '');
    if (one !== undefined) removed.push(one);
    next += 1;
  } while (next < garbage.length && !slices.isOver);
  return { next, removed };
}

/** Their keepers among the records are gone by now. In one turn, so that nothing comes into use in between. */
async function removeFromSources(work: CollectNamespace, marks: GarbageMarks): Promise<void> {
  await follow(work, marks);
  lookAgain(work, marks);
  while (marks.pending) marks.step();
  const removals = work.sources.flatMap((source) => {
    const { word } = source;
    if (word === undefined) return [];
    const unused = [...source.list(work.namespace)].filter((key) => !marks.isKept(sourceNode(word, key)));
    return unused.map((key) => source.remove(work.namespace, key));
  });
  await Promise.allSettled(removals);
}
