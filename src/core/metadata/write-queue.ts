import { EngineError, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { ChangeJournal } from '#/core/metadata/change-journal.ts';
import type { Change, Transaction, WriteOptions } from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';
import { sqliteBusy, sqliteCodeOf, sqliteFull } from '#/core/metadata/database-errors.ts';
import type { DiskReserve } from '#/core/metadata/disk-reserve.ts';
import type { LogDisk } from '#/core/metadata/log-disk.ts';

/** Writes that may wait while the log is folded or another program holds the lock. */
const longestQueue = 10_000;
/** Transactions in a row before the event loop gets a turn. */
const transactionsPerTurn = 16;
/** Pages in the log at which it is folded: 2 MiB. */
const foldAt = 512;
/** How long commits that nobody waits for may go without a sync. */
const lateSyncMs = 50;
const busyRetryMs = 10;
const busyLimitMs = 5000;

interface Job {
  /** Runs the transaction; resolves nothing before the commit is durable. */
  readonly run: () => Committed;
  readonly reject: (error: unknown) => void;
  readonly since: number;
}

export type ChangeListener = (changes: readonly Change[], options: WriteOptions) => void;

interface Committed {
  readonly changes: readonly Change[];
  /** `durable` unless nobody waits for the sync. */
  readonly options: WriteOptions;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface WriteQueueParts {
  readonly database: Database;
  readonly disk: LogDisk;
  readonly reserve: DiskReserve;
  readonly journal: ChangeJournal;
  readonly transaction: Transaction;
  readonly logger: Logger;
}

/**
 * Runs changes in order, each in its own transaction, and tells their callers when they are durable. A transaction runs
 * at once, within the call; its sync runs beside the event loop, and one sync serves all commits that wait for it. On a
 * full disk, transactions that add no record go on from a reserve, so that ends can be told and room can be made.
 */
export class WriteQueue {
  readonly #parts: WriteQueueParts;
  readonly #listeners = new Set<ChangeListener>();
  readonly #jobs: Job[] = [];
  #unsynced: Committed[] = [];
  /** Why no transaction may run now. */
  #held: 'no' | 'turn' | 'busy' | 'fold' = 'no';
  #running = false;
  #syncing = false;
  #foldAt = foldAt;
  /** Why no write is taken any more. */
  #ended: EngineError | undefined;
  #idle: (() => void)[] = [];
  #lateSync: NodeJS.Timeout | undefined;

  constructor(parts: WriteQueueParts) {
    this.#parts = parts;
  }

  write<T>(change: (tx: Transaction) => T, options: WriteOptions = {}): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#jobs.length >= longestQueue)
      return Promise.reject(
        new EngineError('resource-exhausted', `Cannot write metadata: ${longestQueue} writes wait already; try later`),
      );
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = (): Committed => {
      const { result, changes } = this.#transact(change);
      if (!isAwaited(options)) resolve(result);
      return { changes, options, resolve: () => resolve(result), reject };
    };
    this.#jobs.push({ run, reject, since: performance.now() });
    this.#pump();
    return promise;
  }

  onChange(listener: ChangeListener): () => void {
    // A wrapper of its own per call, so that one function may listen twice and stop once.
    const entry: ChangeListener = (changes, options) => listener(changes, options);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** Takes no further writes; resolves when those taken are durable or have failed. */
  async close(): Promise<void> {
    this.#ended ??= new EngineError('unavailable', 'Cannot write metadata: it is closed');
    if (!this.#syncing && this.#unsynced.length > 0) this.#syncInTime();
    while (this.#jobs.length > 0 || this.#unsynced.length > 0 || this.#syncing)
      await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #transact<T>(change: (tx: Transaction) => T): { readonly result: T; readonly changes: readonly Change[] } {
    const { database, journal, transaction, reserve } = this.#parts;
    database.run('BEGIN IMMEDIATE');
    journal.begin();
    try {
      const result = change(transaction);
      if (isThenable(result)) throw new EngineError('internal', 'Cannot write metadata: the change is async');
      database.run('COMMIT');
      return { result, changes: journal.end() };
    } catch (error) {
      const addsNothing = journal.end().every(({ op }) => op !== 'create');
      if (database.inTransaction) database.run('ROLLBACK');
      if (addsNothing && isFull(error) && reserve.give()) return this.#transact(change);
      throw error;
    }
  }

  #pump(): void {
    if (this.#running) return;
    this.#running = true;
    for (let count = 0; this.#held === 'no' && this.#jobs.length > 0; count++) {
      if (count === transactionsPerTurn) this.#hold('turn');
      else this.#runNext();
    }
    this.#running = false;
    if (!this.#syncing && this.#unsynced.length > 0) this.#syncInTime();
    this.#wakeIdle();
  }

  /** At once when somebody waits for it, else a little later, together with what comes meanwhile. */
  #syncInTime(): void {
    if (this.#ended !== undefined || this.#unsynced.some(({ options }) => isAwaited(options))) {
      clearTimeout(this.#lateSync);
      this.#lateSync = undefined;
      void this.#sync();
      return;
    }
    this.#lateSync ??= setTimeout(() => {
      this.#lateSync = undefined;
      if (!this.#syncing && this.#unsynced.length > 0) void this.#sync();
    }, lateSyncMs);
  }

  #runNext(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    try {
      this.#unsynced.push(job.run());
    } catch (error) {
      if (isBusy(error) && performance.now() - job.since < busyLimitMs) return this.#hold('busy');
      job.reject(error);
    }
    this.#jobs.shift();
  }

  #hold(why: 'turn' | 'busy'): void {
    this.#held = why;
    const release = (): void => {
      if (this.#held === why) this.#held = 'no';
      this.#pump();
    };
    if (why === 'turn') setImmediate(release);
    else setTimeout(release, busyRetryMs);
  }

  /** Serves every commit that waits, then those that came meanwhile; folds the log in between when it is long. */
  async #sync(): Promise<void> {
    this.#syncing = true;
    try {
      while (this.#unsynced.length > 0) {
        await this.#syncOnce();
        if (this.#parts.disk.logLength() >= this.#foldAt) await this.#fold();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#syncing = false;
      this.#wakeIdle();
    }
  }

  async #syncOnce(): Promise<void> {
    const batch = this.#unsynced;
    this.#unsynced = [];
    try {
      await this.#parts.disk.syncLog();
    } catch (error) {
      for (const committed of batch) committed.reject(error);
      throw error;
    }
    for (const { changes, options, resolve } of batch) {
      if (changes.length > 0) this.#notify(changes, options);
      resolve();
    }
  }

  async #fold(): Promise<void> {
    this.#held = 'fold';
    if (this.#unsynced.length > 0) await this.#syncOnce();
    if (!(await this.#parts.disk.fold()))
      this.#parts.logger.warn('the metadata log could not be folded; is the disk full?');
    // A reader in another program may keep the log from starting over; then try again when it has grown as much again.
    const length = this.#parts.disk.logLength();
    this.#foldAt = length < foldAt ? foldAt : length + foldAt;
    this.#held = 'no';
    this.#pump();
  }

  /** After a failed sync nobody knows what is on the disk: the next start reads what is, this process writes no more. */
  #fail(error: unknown): void {
    const why = `Cannot write metadata: an earlier write could not be put on the disk (${messageOf(error)}); restart berthd`;
    this.#ended = new EngineError('unavailable', why, { cause: error });
    this.#parts.logger.error('metadata is read-only from now on', { error: messageOf(error) });
    for (const committed of this.#unsynced.splice(0)) committed.reject(error);
    for (const job of this.#jobs.splice(0)) job.reject(this.#ended);
  }

  #notify(changes: readonly Change[], options: WriteOptions): void {
    for (const listener of this.#listeners) {
      try {
        listener(changes, options);
      } catch (error) {
        this.#parts.logger.error('a listener to metadata changes failed', { error: messageOf(error) });
      }
    }
  }

  #wakeIdle(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }
}

/** Whether somebody waits for the sync. */
const isAwaited = ({ durable = true }: WriteOptions): boolean => durable;

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function isBusy(error: unknown): boolean {
  return error instanceof EngineError && sqliteCodeOf(error.cause) === sqliteBusy;
}

function isFull(error: unknown): boolean {
  return error instanceof EngineError && sqliteCodeOf(error.cause) === sqliteFull;
}
