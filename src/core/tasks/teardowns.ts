import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';

/** What is still being taken down after its task was deleted; a new task of the same id waits for it. */
export class Teardowns {
  readonly #logger: Logger;
  readonly #running = new Map<string, Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  begin(key: TaskKey, work: () => Promise<void>): void {
    const name = taskName(key);
    const before = this.#running.get(name) ?? Promise.resolve();
    const done = before.then(work).catch((error: unknown) => {
      this.#logger.warn('cannot take a task down completely', { task: name, error: messageOf(error) });
    });
    this.#running.set(name, done);
    void done.then(() => {
      if (this.#running.get(name) === done) this.#running.delete(name);
    });
  }

  async settled(key: TaskKey): Promise<void> {
    await this.#running.get(taskName(key));
  }

  async allSettled(): Promise<void> {
    await Promise.all(this.#running.values());
  }
}
