import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '#/base/disk-full.ts';
import { errnoOf, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { Logger } from '#/base/log.ts';
import { removeTree } from '#/linux/remove-tree.ts';
import { TimeSlices } from '#/base/time-slices.ts';

/** Trees deleted side by side; deleting is disk work that must not crowd out the rest. */
const deletionsTogether = 2;

export interface SnapshotDirectoriesContext {
  /** `<root>/snapshots`. */
  readonly place: string;
  /** Whether a record names this number now. */
  readonly isRecorded: (id: number) => boolean;
  readonly logger: Logger;
}

export interface Deletion {
  readonly done: Promise<void>;
}

/**
 * The numbered directories of a snapshotter. A directory is whole before it has its number, and has its number before a
 * record names it; it loses its record before anything in it is deleted. So whatever a crash leaves without a record is
 * waste, and `cleanup` removes it.
 */
export class SnapshotDirectories implements AsyncDisposable {
  readonly #context: SnapshotDirectoriesContext;
  /** Names that are being made or deleted now: never waste. */
  readonly #busy = new Set<string>();
  readonly #waiting: (() => void)[] = [];
  readonly #deletions = new Set<Promise<void>>();
  #deleting = 0;

  constructor(context: SnapshotDirectoriesContext) {
    this.#context = context;
  }

  path(id: number): string {
    return this.#pathOf(String(id));
  }

  /** Fills a new directory, gives it its number, and has it recorded. When any of that fails, nothing is left. */
  async create<T>(id: number, fill: (directory: string) => Promise<void>, record: () => Promise<T>): Promise<T> {
    const name = String(id);
    const temporary = `new-${newToken()}`;
    this.#busy.add(name).add(temporary);
    try {
      await this.#fill(temporary, fill);
      await rename(this.#pathOf(temporary), this.#pathOf(name));
      return await record();
    } catch (error) {
      await this.#discard(temporary);
      // A write whose sync failed may have happened all the same.
      if (!this.#context.isRecorded(id)) await this.#discard(name);
      throw error;
    } finally {
      this.#busy.delete(name);
      this.#busy.delete(temporary);
    }
  }

  /** Takes the directory of a deleted record out of sight; it is deleted in the background. */
  async discard(id: number): Promise<Deletion> {
    return await this.#discard(String(id));
  }

  /** Waits for deletions under way, then removes what no record names. */
  async cleanup(): Promise<void> {
    await this.settle();
    const slices = new TimeSlices();
    for (const name of await readdir(this.#context.place)) {
      if (slices.isOver) await slices.next();
      if (this.#busy.has(name) || this.#isRecorded(name)) continue;
      this.#context.logger.info('snapshot directory without record removed', { path: this.#pathOf(name) });
      await this.#discard(name);
    }
    await this.settle();
  }

  /** Waits for deletions under way. */
  async settle(): Promise<void> {
    while (this.#deletions.size > 0) await Promise.all(this.#deletions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle();
  }

  #isRecorded(name: string): boolean {
    const id = Number(name);
    return String(id) === name && this.#context.isRecorded(id);
  }

  #pathOf(name: string): string {
    return join(this.#context.place, name);
  }

  async #fill(temporary: string, fill: (directory: string) => Promise<void>): Promise<void> {
    const path = this.#pathOf(temporary);
    await namingFullDisk('Cannot create a snapshot', this.#context.place, async () => {
      await mkdir(path, { mode: 0o700 });
      await fill(path);
    });
  }

  async #discard(name: string): Promise<Deletion> {
    const gone = `gone-${newToken()}`;
    this.#busy.add(gone);
    try {
      await rename(this.#pathOf(name), this.#pathOf(gone));
    } catch (error) {
      this.#busy.delete(gone);
      if (errnoOf(error) === 'ENOENT') return { done: Promise.resolve() };
      throw error;
    }
    const done = this.#delete(gone).finally(() => this.#deletions.delete(done));
    this.#deletions.add(done);
    return { done };
  }

  async #delete(name: string): Promise<void> {
    if (this.#deleting >= deletionsTogether) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#deleting += 1;
    try {
      await removeTree(this.#pathOf(name));
    } catch (error) {
      this.#context.logger.warn('snapshot directory could not be deleted; the next cleanup tries again', {
        path: this.#pathOf(name),
        error: messageOf(error),
      });
    } finally {
      this.#busy.delete(name);
      const next = this.#waiting.shift();
      if (next === undefined) this.#deleting -= 1;
      else next();
    }
  }
}
