import { ftruncateSync, writeSync } from 'node:fs';
import { errnoOf } from '#/base/errors.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { createFile, finishFile, writeFileWhole, type Attributes } from '#/linux/untar.ts';
import { encodeName, type TarEntry } from '#/oci/tar-entry.ts';

/** The content of one file, as it comes: in one piece as a rule, and then it takes one kernel visit in all. */
export class FileContent {
  readonly entry: TarEntry;
  readonly path: string;
  readonly #place: string | Uint8Array;
  readonly #attributes: Attributes;
  readonly #clear: () => void;
  #fd: number | undefined;
  #isDone = false;
  #end = 0;

  /** `clear` removes what is at `path`; it is asked to when something is. */
  constructor(entry: TarEntry, path: string, attributes: Attributes, clear: () => void) {
    this.entry = entry;
    this.path = path;
    this.#place = encodeName(path);
    this.#attributes = attributes;
    this.#clear = clear;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (this.#fd === undefined && bytes.length === this.entry.size) return this.#writeWhole(bytes);
    this.#fd ??= this.#replacing(() => createFile(this.#place));
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.#fd, bytes, done, bytes.length - done, offset + done);
    this.#end = offset + bytes.length;
  }

  /** A file without content, or one that ends in a hole, is made whole here. */
  finish(): void {
    if (this.#isDone) return;
    if (this.entry.size === 0) return this.#writeWhole(new Uint8Array(0));
    this.#fd ??= this.#replacing(() => createFile(this.#place));
    if (this.#end < this.entry.size) ftruncateSync(this.#fd, this.entry.size);
    const fd = this.#fd;
    this.#fd = undefined;
    finishFile(fd, this.#attributes);
  }

  /** Closes what a failure has left open. */
  abandon(): void {
    if (this.#fd !== undefined) closeDescriptor(this.#fd);
    this.#fd = undefined;
  }

  #writeWhole(bytes: Uint8Array): void {
    this.#replacing(() => writeFileWhole(this.#place, this.#attributes, bytes));
    this.#isDone = true;
  }

  #replacing<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      this.#clear();
      return make();
    }
  }
}
