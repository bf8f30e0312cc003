import { rm } from 'node:fs/promises';
import { now, type Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ContentParts } from '#/core/content/content-parts.ts';
import type { CommitIngest, Ingest, IngestStatus, OpenIngest } from '#/core/content/contract.ts';
import { openGrowingFile, type GrowingFile } from '#/core/content/growing-file.ts';
import { installBlob } from '#/core/content/install-blob.ts';
import type { ContentRecord, IngestRecord, Transaction } from '#/core/metadata/contract.ts';
import type { Digest } from '#/oci/digest.ts';

/** The bytes of an ingest: a file of its own, or a stored blob that is only to be linked. */
export type IngestBytes =
  | { readonly kind: 'own'; readonly file: GrowingFile }
  | { readonly kind: 'stored'; readonly digest: Digest; readonly size: number };

export interface OpenedIngest {
  readonly namespace: string;
  readonly options: OpenIngest;
  readonly record: IngestRecord;
  readonly bytes: IngestBytes;
  /** Gives up the ref; a second time is fine. */
  readonly release: () => void;
}

/** One open upload. Its steps run one after the other, in the order of the calls. */
export class FileIngest implements Ingest {
  readonly #parts: ContentParts;
  readonly #namespace: string;
  readonly #options: OpenIngest;
  readonly #record: IngestRecord;
  readonly #release: () => void;
  #bytes: IngestBytes;
  /** What this holder said, to be compared at commit; the record's own total may be another's. */
  #statedTotal: number;
  #updatedAt: Nanoseconds;
  #state: 'open' | 'committed' | 'aborted' | 'closed' = 'open';
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ContentParts, opened: OpenedIngest) {
    this.#parts = parts;
    this.#namespace = opened.namespace;
    this.#options = opened.options;
    this.#record = opened.record;
    this.#bytes = opened.bytes;
    this.#release = opened.release;
    this.#statedTotal = opened.options.total ?? 0;
    this.#updatedAt = opened.record.updatedAt;
  }

  get directory(): string {
    return this.#record.directory;
  }

  status(): IngestStatus {
    return {
      ref: this.#record.ref,
      offset: this.#size(),
      total: this.#total(),
      expected: this.#bytes.kind === 'stored' ? this.#bytes.digest : '',
      startedAt: this.#record.startedAt,
      updatedAt: this.#updatedAt,
    };
  }

  digest(): Digest {
    return this.#bytes.kind === 'stored' ? this.#bytes.digest : this.#bytes.file.digest();
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#inOrder('write to', async () => {
      if (chunk.length === 0) return;
      const file = await this.#ownFile();
      await file.append(chunk);
      this.#updatedAt = now();
    });
  }

  async truncate(): Promise<void> {
    await this.#inOrder('truncate', async () => {
      if (this.#bytes.kind === 'own') await this.#bytes.file.clear();
      else this.#bytes = { kind: 'own', file: await this.#openFile() };
      this.#updatedAt = now();
    });
  }

  setTotal(total: number): void {
    this.#statedTotal = checkTotal(this.#record.ref, total);
  }

  async commit(options: CommitIngest = {}): Promise<ContentRecord> {
    return await this.#inOrder('commit', async () => {
      const labels = checkLabels(`the blob of ingest "${this.#record.ref}"`, options.labels ?? {});
      const digest = await this.#check(options);
      const at = now();
      const blob: ContentRecord = { digest, size: this.#size(), labels, createdAt: at, updatedAt: at };
      const created = await installBlob(this.#parts, {
        digest,
        size: blob.size,
        file: this.#bytes.kind === 'own' ? this.#bytes.file : undefined,
        record: (tx) => this.#becomeBlob(tx, blob),
      });
      this.#state = 'committed';
      this.#release();
      await rm(this.#parts.layout.ingest(this.#record.directory), { recursive: true, force: true });
      if (created) return blob;
      throw new EngineError(
        'already-exists',
        `Cannot commit ingest "${this.#record.ref}": blob "${digest}" exists already in namespace "${this.#namespace}"`,
      );
    });
  }

  /** Somebody aborted the ingest: its record and directory are gone, and nothing more may happen to it here. */
  abandon(): void {
    if (this.#state === 'open') this.#state = 'aborted';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    const wasOpen = this.#state === 'open';
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    try {
      if (this.#bytes.kind === 'own') await this.#bytes.file[Symbol.asyncDispose]();
      if (wasOpen) await this.#rememberProgress();
    } finally {
      this.#release();
    }
  }

  #size(): number {
    return this.#bytes.kind === 'stored' ? this.#bytes.size : this.#bytes.file.size;
  }

  #total(): number {
    return this.#statedTotal > 0 ? this.#statedTotal : this.#record.total;
  }

  #inOrder<T>(verb: string, work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#state === 'open') return work();
      throw new EngineError('aborted', `Cannot ${verb} ingest "${this.#record.ref}": it is ${this.#state}`);
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Compares with the latest size and digest that this holder named (0 is unknown); the data stays when they differ. */
  async #check({ size, expected }: CommitIngest): Promise<Digest> {
    const wantedSize = size !== undefined && size > 0 ? size : this.#statedTotal;
    if (wantedSize > 0 && wantedSize !== this.#size())
      throw this.#mismatch(`it has ${this.#size()} bytes where ${wantedSize} were expected`);
    const wanted = expected ?? this.#options.expected;
    const actual = await this.#digestLike(wanted);
    if (wanted !== undefined && wanted !== actual)
      throw this.#mismatch(`its digest is "${actual}" where "${wanted}" was expected`);
    return actual;
  }

  async #digestLike(wanted: Digest | undefined): Promise<Digest> {
    if (wanted === undefined || this.#bytes.kind === 'stored') return this.digest();
    return await this.#bytes.file.digestLike(wanted);
  }

  #mismatch(why: string): EngineError {
    return new EngineError('failed-precondition', `Cannot commit ingest "${this.#record.ref}": ${why}`);
  }

  /** Returns false when the namespace had the blob before. */
  #becomeBlob(tx: Transaction, blob: ContentRecord): boolean {
    const { ref } = this.#record;
    this.#requireRecord(tx);
    tx.ingests.delete(this.#namespace, ref);
    const isNew = tx.content.find(this.#namespace, blob.digest) === undefined;
    if (isNew) tx.content.create(this.#namespace, blob);
    const { lease } = this.#options;
    if (lease !== undefined) {
      tx.removeLeaseResource(this.#namespace, lease, { type: 'ingests', id: ref });
      tx.addLeaseResource(this.#namespace, lease, { type: 'content', id: blob.digest });
    }
    return isNew;
  }

  #requireRecord(tx: Transaction): void {
    if (tx.ingests.find(this.#namespace, this.#record.ref)?.directory === this.#record.directory) return;
    throw new EngineError('aborted', `Cannot go on with ingest "${this.#record.ref}": it was aborted meanwhile`);
  }

  /** The file to append to. Who writes more to a stored blob gets a copy of it first. */
  async #ownFile(): Promise<GrowingFile> {
    if (this.#bytes.kind === 'own') return this.#bytes.file;
    const { digest, size } = this.#bytes;
    const file = await this.#openFile({ digest, size });
    this.#bytes = { kind: 'own', file };
    return file;
  }

  /** A new file, empty or with a blob's bytes, recorded as no longer sharing anything. */
  async #openFile(from?: { readonly digest: Digest; readonly size: number }): Promise<GrowingFile> {
    const path = this.#parts.layout.data(this.#record.directory);
    const file = await openGrowingFile(path);
    try {
      if (from !== undefined) await file.appendFile(this.#parts.layout.blob(from.digest));
      await this.#parts.metadata.write((tx) => {
        this.#requireRecord(tx);
        tx.ingests.update(this.#namespace, { ...this.#record, expected: '' });
      });
      return file;
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #rememberProgress(): Promise<void> {
    const { metadata } = this.#parts;
    const total = this.#total();
    const updatedAt = this.#updatedAt;
    const before = metadata.read.ingests.find(this.#namespace, this.#record.ref);
    if (before === undefined || (before.total === total && before.updatedAt === updatedAt)) return;
    await metadata.write((tx) => {
      const known = tx.ingests.find(this.#namespace, this.#record.ref);
      if (known?.directory === this.#record.directory)
        tx.ingests.update(this.#namespace, { ...known, total, updatedAt });
    });
  }
}

/** 0 is unknown. Throws `invalid-argument`. */
export function checkTotal(ref: string, total: number): number {
  if (Number.isSafeInteger(total) && total >= 0) return total;
  throw new EngineError('invalid-argument', `Cannot expect ${total} bytes of ingest "${ref}": it is no size`);
}
