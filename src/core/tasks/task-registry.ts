import { EngineError } from '#/base/errors.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';

/** All tasks of this daemon, and the ids that are taken while one is being made. */
export class TaskRegistry {
  readonly #tasks = new Map<string, RunningTask>();
  readonly #reserved = new Set<string>();

  /** Takes an id until it is disposed. `already-exists` when a task has it, or is being made with it. */
  reserve(key: TaskKey): Disposable {
    const name = taskName(key);
    if (this.#tasks.has(name) || this.#reserved.has(name))
      throw new EngineError('already-exists', `Cannot create task "${name}": it is there already; delete it first`);
    this.#reserved.add(name);
    return { [Symbol.dispose]: () => this.#reserved.delete(name) };
  }

  add(task: RunningTask): void {
    this.#tasks.set(taskName(task.key), task);
  }

  /** False when it was not there any more: somebody else is ending it. */
  remove(task: RunningTask): boolean {
    if (!this.has(task)) return false;
    return this.#tasks.delete(taskName(task.key));
  }

  has(task: RunningTask): boolean {
    return this.#tasks.get(taskName(task.key)) === task;
  }

  find(key: TaskKey): RunningTask | undefined {
    return this.#tasks.get(taskName(key));
  }

  get(key: TaskKey): RunningTask {
    const task = this.find(key);
    if (task === undefined) throw new EngineError('not-found', `Cannot find task "${taskName(key)}": it does not run`);
    return task;
  }

  list(): RunningTask[] {
    return [...this.#tasks.values()];
  }
}
