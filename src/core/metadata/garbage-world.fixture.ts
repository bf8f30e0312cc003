/** Random records and the same in the model: what is written to the one is put into the other. */
import type { Labels } from '#/base/any.ts';
import { formatTime, now } from '#/base/clock.ts';
import { snapshotRecordKey, type Transaction } from '#/core/metadata/contract.ts';
import type { GarbageModel, Thing } from '#/core/metadata/garbage-model.fixture.ts';
import { digestOf } from '#/oci/digest.ts';

export type Random = (below: number) => number;

/** Small, fast and the same everywhere: mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export const namespace = 'n';
const words = ['a', 'b', 'c', 'd', 'e', 'f'];
const at = { createdAt: 1n, updatedAt: 1n };
const hour = 3600n * 1_000_000_000n;
const gc = (name: string): string => `containerd.io/gc.${name}`;

/** A write, and what it means. The names are those that it creates or changes. */
export type Operation = (tx: Transaction, model: GarbageModel) => void;

/** What a label of some kind names, and the label. */
interface Reference {
  readonly node: string;
  readonly label: readonly [string, string];
}

/** Makes random operations; `random` decides everything. */
export class GarbageWorld {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  operation(): Operation {
    const kinds = [
      'content',
      'content',
      'snapshots',
      'snapshots',
      'images',
      'leases',
      'containers',
      'ingests',
    ] as const;
    const name = this.#word();
    switch (this.#random(8)) {
      case 0:
        return this.#deletion(kinds[this.#random(kinds.length)] ?? 'content', name);
      case 1:
      case 2:
      case 3:
        return this.#leasing(name);
      default:
        return this.#writing(kinds[this.#random(kinds.length)] ?? 'content', name);
    }
  }

  #word(): string {
    return words[this.#random(words.length)] ?? 'a';
  }

  #chance(outOf: number): boolean {
    return this.#random(outOf) === 0;
  }

  #several<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.#random(most + 1) }, make);
  }

  #reference(direction: 'ref' | 'bref'): Reference {
    const word = this.#word();
    const suffix = ['', '.x', '/y', '.l.1'][this.#random(4)] ?? '';
    switch (this.#random(direction === 'ref' ? 3 : 4)) {
      case 0:
        return { node: `content/${digestOf(word)}`, label: [gc(`${direction}.content${suffix}`), digestOf(word)] };
      case 1:
        return { node: `images/${word}`, label: [gc(`${direction}.image${suffix}`), word] };
      case 2:
        return {
          node: `snapshots/s/${word}`,
          label: [gc(`${direction}.snapshot.s${suffix.startsWith('/') ? suffix : ''}`), word],
        };
      default:
        return { node: `containers/${word}`, label: [gc(`bref.container${suffix}`), word] };
    }
  }

  #labelled(): { readonly labels: Labels; readonly keeps: string[]; readonly keptBy: string[] } {
    const labels = new Map<string, Reference>();
    for (const reference of this.#several(2, () => this.#reference('ref'))) labels.set(reference.label[0], reference);
    const back = new Map<string, Reference>();
    if (this.#chance(3)) for (const one of this.#several(2, () => this.#reference('bref'))) back.set(one.label[0], one);
    return {
      labels: Object.fromEntries([...labels.values(), ...back.values()].map(({ label }) => label)),
      keeps: [...labels.values()].map(({ node }) => node),
      keptBy: [...back.values()].map(({ node }) => node),
    };
  }

  #writing(kind: 'content' | 'snapshots' | 'images' | 'leases' | 'containers' | 'ingests', name: string): Operation {
    const { labels, keeps, keptBy } = this.#labelled();
    const isRoot = this.#chance(5);
    const other = this.#word();
    const expires = formatTime(now() + (isRoot ? hour : -hour));
    switch (kind) {
      case 'content':
        return put(`content/${digestOf(name)}`, { keeps, keptBy, isRoot }, (tx, exists) => {
          const all = isRoot ? { ...labels, [gc('root')]: 'x' } : labels;
          const record = { ...at, digest: digestOf(name), size: 1, labels: all };
          if (exists) tx.content.update(namespace, record);
          else tx.content.create(namespace, record);
        });
      case 'snapshots': {
        const parent = this.#chance(2) ? '' : other;
        const keepsFlat = parent === '' ? [] : [`snapshots/s/${parent}`];
        return put(`snapshots/s/${name}`, { keeps, keepsFlat, keptBy, isRoot }, (tx, exists) => {
          const all = isRoot ? { ...labels, [gc('root')]: 'x' } : labels;
          const kinds = { kind: 'committed', id: 1, size: 0, inodes: 0, backendKey: '' } as const;
          const record = { ...at, ...kinds, snapshotter: 's', key: name, parent, labels: all };
          if (exists) tx.snapshots.update(namespace, record);
          else tx.snapshots.create(namespace, record);
        });
      }
      case 'images': {
        const keepsFlat = [`content/${digestOf(other)}`];
        return put(`images/${name}`, { keeps, keepsFlat, keptBy, isRoot }, (tx, exists) => {
          const target = { mediaType: 'm', digest: digestOf(other), size: 1 };
          const record = { ...at, name, target, labels: { ...labels, [gc('expire')]: expires } };
          if (exists) tx.images.update(namespace, record);
          else tx.images.create(namespace, record);
        });
      }
      case 'leases': {
        const isFlat = this.#chance(3);
        const isLive = !this.#chance(4);
        const flat = isFlat ? { [gc('flat')]: 'x' } : {};
        return (tx, model) => {
          if (model.find(`leases/${name}`) !== undefined) return;
          const expired = isLive ? {} : { [gc('expire')]: formatTime(now() - hour) };
          tx.leases.create(namespace, { id: name, labels: { ...flat, ...expired }, createdAt: 1n });
          model.put(`leases/${name}`, { keeps: [], isRoot: isLive, isFlat });
        };
      }
      case 'containers': {
        const keepsFlat = [`snapshots/s/${other}`];
        return put(`containers/${name}`, { keeps, keepsFlat, isRoot: true }, (tx, exists) => {
          const empty = { image: '', extensions: {}, sandbox: '', runtime: { name: 'r' } };
          const spec = { typeUrl: 's', value: new Uint8Array() };
          const record = { ...at, ...empty, id: name, spec, snapshotter: 's', snapshotKey: other, labels };
          if (exists) tx.containers.update(namespace, record);
          else tx.containers.create(namespace, record);
        });
      }
      case 'ingests': {
        const expected = this.#chance(2) ? '' : digestOf(other);
        const keepsBlob = expected === '' ? [] : [`content/${expected}`];
        return put(`ingests/${name}`, { keeps: keepsBlob, isRoot }, (tx, exists) => {
          const expiresAt = isRoot ? now() + hour : 0n;
          const times = { expiresAt, startedAt: 1n, updatedAt: 1n };
          const record = { ref: name, directory: name, expected, total: 0, ...times };
          if (exists) tx.ingests.update(namespace, record);
          else tx.ingests.create(namespace, record);
        });
      }
    }
  }

  #deletion(kind: string, name: string): Operation {
    const node = nodeOf(kind, name);
    return (tx, model) => {
      if (model.find(node) === undefined) return;
      if (kind === 'content') tx.content.delete(namespace, digestOf(name));
      if (kind === 'snapshots') tx.snapshots.delete(namespace, snapshotRecordKey('s', name));
      if (kind === 'images') tx.images.delete(namespace, name);
      if (kind === 'leases') tx.leases.delete(namespace, name);
      if (kind === 'containers') tx.containers.delete(namespace, name);
      if (kind === 'ingests') tx.ingests.delete(namespace, name);
      model.delete(node);
    };
  }

  /** Has a lease list one more thing, which need not exist. */
  #leasing(lease: string): Operation {
    const kind = (['content', 'snapshots', 'images', 'ingests'] as const)[this.#random(4)] ?? 'content';
    const name = this.#word();
    const node = nodeOf(kind, name);
    const type = kind === 'snapshots' ? 'snapshots/s' : kind;
    const id = kind === 'content' ? digestOf(name) : name;
    return (tx, model) => {
      const before = model.find(`leases/${lease}`);
      if (before === undefined) return;
      tx.addLeaseResource(namespace, lease, { type, id });
      model.put(`leases/${lease}`, { ...before, keeps: [...before.keeps, node] });
    };
  }
}

function nodeOf(kind: string, name: string): string {
  if (kind === 'content') return `content/${digestOf(name)}`;
  return kind === 'snapshots' ? `snapshots/s/${name}` : `${kind}/${name}`;
}

function put(node: string, thing: Thing, write: (tx: Transaction, exists: boolean) => void): Operation {
  return (tx, model) => {
    write(tx, model.find(node) !== undefined);
    model.put(node, thing);
  };
}
