/**
 * What the collector should do, stated as simply as can be: things with what they keep, and a search from the roots.
 * Things are named as in garbage-labels.ts, but nothing of the collector is used here.
 */
export interface Thing {
  /** Kept with everything that keeps this one. */
  readonly keeps: readonly string[];
  /** Kept also when a flat lease alone holds this one: a snapshot's parent, an image's target. */
  readonly keepsFlat?: readonly string[];
  /** What keeps this one, as it says itself. */
  readonly keptBy?: readonly string[];
  readonly isRoot: boolean;
  /** Of a lease. */
  readonly isFlat?: boolean;
}

export class GarbageModel {
  readonly #things = new Map<string, Thing>();

  get names(): readonly string[] {
    return [...this.#things.keys()];
  }

  find(name: string): Thing | undefined {
    return this.#things.get(name);
  }

  put(name: string, thing: Thing): void {
    this.#things.set(name, thing);
  }

  delete(name: string): void {
    this.#things.delete(name);
  }

  /** All that the roots keep and that is there. */
  reachable(): ReadonlySet<string> {
    const full = new Set<string>();
    const flat = new Set<string>();
    const visitFlat = (name: string): void => {
      if (flat.has(name)) return;
      flat.add(name);
      for (const kept of this.#things.get(name)?.keepsFlat ?? []) visitFlat(kept);
    };
    const visit = (name: string): void => {
      if (full.has(name)) return;
      full.add(name);
      const { keeps = [], keepsFlat = [], isFlat = false } = this.#things.get(name) ?? {};
      for (const kept of keeps)
        if (isFlat && !kept.startsWith('ingests/')) visitFlat(kept);
        else visit(kept);
      for (const kept of keepsFlat) visit(kept);
      for (const [other, { keptBy = [] }] of this.#things) if (keptBy.includes(name)) visit(other);
    };
    for (const [name, { isRoot }] of this.#things) if (isRoot) visit(name);
    return new Set([...full, ...flat].filter((name) => this.#things.has(name)));
  }

  /** Whether `from` keeps `to`, directly or through others that are there. */
  leads(from: string, to: string): boolean {
    const seen = new Set<string>();
    const visit = (name: string): boolean => {
      if (seen.has(name)) return false;
      seen.add(name);
      const { keeps = [], keepsFlat = [] } = this.#things.get(name) ?? {};
      const backward = this.names.filter((other) => this.#things.get(other)?.keptBy?.includes(name));
      return [...keeps, ...keepsFlat, ...backward].some(
        (next) => this.#things.has(next) && (next === to || visit(next)),
      );
    };
    return visit(from);
  }
}
