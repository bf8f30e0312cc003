/** The collector against the model: random graphs, random writes while it runs. A failure names its seed. */
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Metadata, Reader } from '#/core/metadata/contract.ts';
import { GarbageModel } from '#/core/metadata/garbage-model.fixture.ts';
import { GarbageWorld, namespace, seededRandom, type Operation } from '#/core/metadata/garbage-world.fixture.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';

const rounds = 20;
const plural = {
  content: 'content',
  snapshot: 'snapshots',
  image: 'images',
  ingest: 'ingests',
  lease: 'leases',
} as const;

/** What happened, in the order of the commits. */
interface Step {
  readonly seq: number;
  readonly own: boolean;
  readonly apply: (model: GarbageModel) => void;
}

const recordsOf = (read: Reader): string[] =>
  [
    ...read.content.list(namespace).map(({ digest }) => `content/${digest}`),
    ...read.snapshots.list(namespace).map(({ key }) => `snapshots/s/${key}`),
    ...read.images.list(namespace).map(({ name }) => `images/${name}`),
    ...read.ingests.list(namespace).map(({ ref }) => `ingests/${ref}`),
    ...read.leases.list(namespace).map(({ id }) => `leases/${id}`),
    ...read.containers.list(namespace).map(({ id }) => `containers/${id}`),
  ].sort();

/** Writes `operation`; its place among the commits is that of the last change after it. */
async function perform(metadata: Metadata, live: GarbageModel, operation: Operation, steps: Step[]): Promise<void> {
  await metadata.write((tx) => {
    operation(tx, live);
    steps.push({ seq: tx.lastChange(), own: true, apply: (model) => operation(silent, model) });
  });
}

/** A transaction that does nothing: to replay an operation on a model alone. */
const collection = { create: () => {}, update: () => {}, delete: () => {} };
const silent = new Proxy({}, { get: () => Object.assign(() => {}, collection) }) as Parameters<Operation>[0];

test('collectGarbage() deletes exactly what nothing keeps, keepers before what they keep', async () => {
  for (let seed = 1; seed <= rounds; seed++) {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'garbage-'));
    await using metadata = await openMetadata({ path: join(dir.path, 'meta.db'), longestTurn: 0 });
    const world = new GarbageWorld(seededRandom(seed));
    const model = new GarbageModel();
    for (let count = 0; count < 40; count++) await perform(metadata, model, world.operation(), []);
    const wanted = [...model.reachable()].sort();
    const deleted: string[] = [];
    metadata.onChange((changes, { collecting }) => {
      if (collecting) for (const { kind, id } of changes) deleted.push(nodeOf(kind, id));
    });
    await metadata.collectGarbage();
    assert.deepEqual(recordsOf(metadata.read), wanted, `seed ${seed}`);
    for (const node of deleted) {
      for (const keeper of model.names)
        if (keeper !== node && model.find(keeper)?.keeps.includes(node) && deleted.includes(keeper))
          assert(model.leads(node, keeper), `seed ${seed}: ${node} went before ${keeper}`);
      model.delete(node);
    }
  }
});

test('collectGarbage() while others write deletes nothing that is kept at that moment, and a second one all the rest', async () => {
  for (let seed = 1; seed <= rounds; seed++) {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'garbage-'));
    await using metadata = await openMetadata({ path: join(dir.path, 'meta.db'), longestTurn: 0 });
    const random = seededRandom(seed * 7919);
    const world = new GarbageWorld(random);
    const live = new GarbageModel();
    const steps: Step[] = [];
    for (let count = 0; count < 40; count++) await perform(metadata, live, world.operation(), steps);
    metadata.onChange((changes, { collecting = false }) => {
      for (const { seq, kind, id } of collecting ? changes : [])
        steps.push({ seq, own: false, apply: (model) => remove(model, nodeOf(kind, id), seed) });
    });
    const over = new AbortController();
    const collecting = metadata.collectGarbage().finally(() => over.abort());
    while (!over.signal.aborted) {
      for (let turns = random(6); turns > 0; turns--) await nextTurn();
      const operation = world.operation();
      await metadata.write((tx) => {
        // The collector has changed the records meanwhile: the live model follows.
        for (const name of live.names) if (!recordsOf(tx).includes(name)) live.delete(name);
        operation(tx, live);
        steps.push({ seq: tx.lastChange(), own: true, apply: (model) => operation(silent, model) });
      });
    }
    await collecting;
    const replayed = new GarbageModel();
    for (const { apply } of steps.sort((a, b) => a.seq - b.seq || Number(a.own) - Number(b.own))) apply(replayed);
    assert.deepEqual([...replayed.names].sort(), recordsOf(metadata.read), `seed ${seed}`);
    await metadata.collectGarbage();
    assert.deepEqual(recordsOf(metadata.read), [...replayed.reachable()].sort(), `seed ${seed}`);
  }
});

function nodeOf(kind: string, id: string): string {
  const [, word = kind] = Object.entries(plural).find(([each]) => each === kind) ?? [];
  return `${word}/${id}`;
}

function remove(model: GarbageModel, node: string, seed: number): void {
  assert(!model.reachable().has(node), `seed ${seed}: ${node} was deleted though it is kept`);
  model.delete(node);
}
