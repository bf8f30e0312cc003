import type { Labels } from '#/base/any.ts';
import { jsonOf, labelsOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { LeaseResource } from '#/core/metadata/contract.ts';
import type { Database, Row } from '#/core/metadata/database.ts';
import {
  containerNode,
  contentNode,
  imageNode,
  ingestNode,
  leaseNode,
  mentionsGarbage,
  snapshotNode,
} from '#/core/metadata/garbage-labels.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

export type GarbageKind = 'leases' | 'images' | 'ingests' | 'content' | 'containers' | 'snapshots';

/** A record as the collector sees it: what it is called, and what it keeps by itself. */
export interface GarbageRecord {
  readonly kind: GarbageKind;
  readonly node: string;
  /** Only those of the collector are sure to be there. */
  readonly labels: Labels;
  /** What it keeps beside what its labels say: an image its target, a snapshot its parent… */
  readonly keeps: readonly string[];
  /** When an upload that no lease keeps is given up; 0 for one that lives with its leases, and for other kinds. */
  readonly expiresAt: Nanoseconds;
}

/** Which columns make the key of a kind, and which are read beside it. */
interface Shape {
  readonly keys: readonly string[];
  readonly columns: string;
  readonly record: (row: Row) => GarbageRecord;
}

const noLabels: Labels = {};

function quickLabels(row: Row): Labels {
  return mentionsGarbage(textOf(row, 'labels')) ? labelsOf(row) : noLabels;
}

const shapes: Readonly<Record<GarbageKind, Shape>> = {
  leases: {
    keys: ['id'],
    columns: 'labels',
    record: (row) => record('leases', leaseNode(textOf(row, 'id')), { labels: quickLabels(row) }),
  },
  images: {
    keys: ['name'],
    columns: 'labels, target',
    record: (row) =>
      record('images', imageNode(textOf(row, 'name')), {
        labels: quickLabels(row),
        keeps: [contentNode(jsonOf<Descriptor>(row, 'target').digest)],
      }),
  },
  ingests: {
    keys: ['ref'],
    columns: 'expected, expires_at',
    record: (row) =>
      record('ingests', ingestNode(textOf(row, 'ref')), {
        keeps: textOf(row, 'expected') === '' ? [] : [contentNode(textOf(row, 'expected'))],
        expiresAt: timeOf(row, 'expires_at'),
      }),
  },
  content: {
    keys: ['digest'],
    columns: 'labels',
    record: (row) => record('content', contentNode(textOf(row, 'digest')), { labels: quickLabels(row) }),
  },
  containers: {
    keys: ['id'],
    columns: 'labels, snapshotter, snapshot_key',
    record: (row) => {
      const [snapshotter, key] = [textOf(row, 'snapshotter'), textOf(row, 'snapshot_key')];
      return record('containers', containerNode(textOf(row, 'id')), {
        labels: quickLabels(row),
        keeps: snapshotter === '' || key === '' ? [] : [snapshotNode(snapshotter, key)],
      });
    },
  },
  snapshots: {
    keys: ['snapshotter', 'key'],
    columns: 'labels, parent',
    record: (row) => {
      const [snapshotter, parent] = [textOf(row, 'snapshotter'), textOf(row, 'parent')];
      return record('snapshots', snapshotNode(snapshotter, textOf(row, 'key')), {
        labels: quickLabels(row),
        keeps: parent === '' ? [] : [snapshotNode(snapshotter, parent)],
      });
    },
  },
};

export const garbageKinds = Object.keys(shapes) as GarbageKind[];

function record(kind: GarbageKind, node: string, rest: Partial<GarbageRecord>): GarbageRecord {
  return { kind, node, labels: noLabels, keeps: [], expiresAt: 0n, ...rest };
}

/** The kind and key of a node that a record may have. */
export function splitNode(node: string): readonly [GarbageKind, string] | undefined {
  const slash = node.indexOf('/');
  const kind = garbageKinds.find((each) => each === node.slice(0, slash));
  return kind === undefined ? undefined : [kind, node.slice(slash + 1)];
}

/** The values of a record's key columns: those of a snapshot are parted by a slash. */
export function keyValues(kind: GarbageKind, key: string): readonly string[] {
  if (kind !== 'snapshots') return [key];
  const slash = key.indexOf('/');
  return slash === -1 ? ['', key] : [key.slice(0, slash), key.slice(slash + 1)];
}

/** Reads the records of one namespace as the collector sees them, a few at a time. */
export class GarbageReads {
  readonly #database: Database;
  readonly #namespace: string;

  constructor(database: Database, namespace: string) {
    this.#database = database;
    this.#namespace = namespace;
  }

  find(node: string): GarbageRecord | undefined {
    const [kind, key] = splitNode(node) ?? [];
    if (kind === undefined || key === undefined) return undefined;
    const { keys, columns, record: decode } = shapes[kind];
    const matches = keys.map((column) => `${column} = ?`).join(' AND ');
    const sql = `SELECT ${keys.join(', ')}, ${columns} FROM ${kind} WHERE namespace = ? AND ${matches}`;
    const row = this.#database.find(sql, this.#namespace, ...keyValues(kind, key));
    return row === undefined ? undefined : decode(row);
  }

  /** The next `limit` records of a kind after the one with the node `after`; '' begins. */
  page(kind: GarbageKind, after: string, limit: number): GarbageRecord[] {
    const { keys, columns, record: decode } = shapes[kind];
    const order = keys.join(', ');
    const values = after === '' ? keys.map(() => '') : keyValues(kind, after.slice(kind.length + 1));
    const sql = `SELECT ${order}, ${columns} FROM ${kind}
      WHERE namespace = ? AND (${order}) > (${keys.map(() => '?').join(', ')}) ORDER BY ${order} LIMIT ?`;
    return this.#database.all(sql, this.#namespace, ...values, limit).map(decode);
  }

  /** What a lease lists, after `after`. */
  resources(lease: string, after: LeaseResource, limit: number): LeaseResource[] {
    const sql = `SELECT type, id FROM lease_resources
      WHERE namespace = ? AND lease = ? AND (type, id) > (?, ?) ORDER BY type, id LIMIT ?`;
    return this.#database
      .all(sql, this.#namespace, lease, after.type, after.id, limit)
      .map((row) => ({ type: textOf(row, 'type'), id: textOf(row, 'id') }));
  }
}
