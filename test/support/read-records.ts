/** berthd's own records, read from its file with nothing of berth's in between. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface RecordedContainer {
  readonly namespace: string;
  readonly id: string;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  /** Undefined for a container that another client made. */
  readonly engine: { readonly name: string; readonly state: string; readonly pid: number } | undefined;
}

export interface RecordedSnapshot {
  readonly namespace: string;
  readonly snapshotter: string;
  readonly key: string;
  readonly id: number;
  readonly kind: string;
  readonly parent: string;
}

export interface Records {
  readonly containers: readonly RecordedContainer[];
  readonly names: readonly { readonly namespace: string; readonly name: string; readonly container: string }[];
  readonly snapshots: readonly RecordedSnapshot[];
  readonly ingests: readonly { readonly namespace: string; readonly ref: string; readonly directory: string }[];
  readonly content: readonly { readonly namespace: string; readonly digest: string; readonly size: number }[];
  readonly images: readonly { readonly namespace: string; readonly name: string; readonly target: string }[];
  readonly leased: readonly { readonly namespace: string; readonly type: string; readonly id: string }[];
  readonly leases: readonly { readonly namespace: string; readonly id: string }[];
  readonly intents: readonly { readonly id: string }[];
}

const recordKey = 'io.berth.engine.v1.Container';
const stateKey = 'io.berth.engine.v1.State';

/** Reads all of them in one transaction, so that they fit each other while berthd goes on writing. */
export function readRecords(root: string): Records {
  const path = join(root, 'io.containerd.metadata.v1.sqlite/meta.db');
  using database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as unknown as T[];
  database.exec('BEGIN');
  const containers = all<StoredContainer>(
    'SELECT namespace, id, snapshotter, snapshot_key AS snapshotKey, extensions FROM containers',
  );
  return {
    containers: containers.map(({ extensions, ...container }) => ({ ...container, engine: engineOf(extensions) })),
    names: all('SELECT namespace, name, container FROM names'),
    snapshots: all('SELECT namespace, snapshotter, key, id, kind, parent FROM snapshots'),
    ingests: all('SELECT namespace, ref, directory FROM ingests'),
    content: all('SELECT namespace, digest, size FROM content'),
    images: all('SELECT namespace, name, target FROM images'),
    leased: all('SELECT namespace, type, id FROM lease_resources'),
    leases: all('SELECT namespace, id FROM leases'),
    intents: all('SELECT id FROM intents'),
  };
}

interface StoredContainer extends Omit<RecordedContainer, 'engine'> {
  readonly extensions: string;
}

function engineOf(text: string): RecordedContainer['engine'] {
  const extensions = JSON.parse(text) as Readonly<Record<string, { readonly value: string } | undefined>>;
  const [record, state] = [extensions[recordKey], extensions[stateKey]];
  if (record === undefined || state === undefined) return undefined;
  const { name } = decode<{ readonly name: string }>(record.value);
  const { kind, pid = 0 } = decode<{ readonly kind: string; readonly pid?: number }>(state.value);
  return { name, state: kind, pid };
}

const decode = <T>(value: string): T => JSON.parse(Buffer.from(value, 'base64').toString()) as T;
