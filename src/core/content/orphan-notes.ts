import type { Digest } from '#/oci/digest.ts';

/** More than these are not worth noting one by one: then all files are looked through. */
const mostNotes = 100_000;

/** Which blob files the next sweep must look at. At first, and when there are too many to note, that is all of them. */
export class OrphanNotes {
  #digests = new Set<Digest>();
  #all = true;

  add(digest: Digest): void {
    if (this.#all) return;
    if (this.#digests.size < mostNotes) this.#digests.add(digest);
    else this.addAll();
  }

  addAll(): void {
    this.#all = true;
    this.#digests = new Set();
  }

  /** Hands over the notes, and begins anew. */
  take(): ReadonlySet<Digest> | 'all' {
    const taken = this.#all ? 'all' : this.#digests;
    this.#all = false;
    this.#digests = new Set();
    return taken;
  }
}
