import { EngineError } from '#/base/errors.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';

/** All tasks of this daemon, or all its sandboxes, and the ids that are taken while one is being made. */
export class Registry<T extends { readonly key: TaskKey }> {
  readonly #noun: string;
  readonly #known = new Map<string, T>();
  readonly #reserved = new Set<string>();

  constructor(noun: string) {
    this.#noun = noun;
  }

  /** Takes an id until it is disposed. `already-exists` when it is taken, or something is being made with it. */
  reserve(key: TaskKey): Disposable {
    const name = taskName(key);
    if (this.#known.has(name) || this.#reserved.has(name))
      throw new EngineError(
        'already-exists',
        `Cannot create ${this.#noun} "${name}": it is there already; delete it first`,
      );
    this.#reserved.add(name);
    return { [Symbol.dispose]: () => this.#reserved.delete(name) };
  }

  add(item: T): void {
    this.#known.set(taskName(item.key), item);
  }

  /** False when it was not there any more: somebody else is ending it. */
  remove(item: T): boolean {
    if (!this.has(item)) return false;
    return this.#known.delete(taskName(item.key));
  }

  has(item: T): boolean {
    return this.#known.get(taskName(item.key)) === item;
  }

  find(key: TaskKey): T | undefined {
    return this.#known.get(taskName(key));
  }

  get(key: TaskKey): T {
    const item = this.find(key);
    if (item === undefined)
      throw new EngineError('not-found', `Cannot find ${this.#noun} "${taskName(key)}": it does not run`);
    return item;
  }

  list(): T[] {
    return [...this.#known.values()];
  }
}
