import type { EngineError } from '#/base/errors.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { TrackedProcess } from '#/core/tasks/tracked-process.ts';

export interface TaskParts {
  readonly bundle: Bundle;
  readonly binary: string;
  readonly endpoint: ShimEndpoint;
  readonly shim: ShimClient;
  readonly log: Disposable;
  readonly pid: number;
  /** Taken over from an earlier daemon, which may have died in the middle of anything. */
  readonly adopted?: boolean;
  /** Its shim is a sandbox's, and stays when the task goes. */
  readonly joined?: boolean;
}

/** A task that has a shim. */
export class RunningTask {
  readonly key: TaskKey;
  readonly bundle: Bundle;
  readonly binary: string;
  readonly endpoint: ShimEndpoint;
  readonly shim: ShimClient;
  readonly log: Disposable;
  readonly adopted: boolean;
  readonly joined: boolean;
  readonly init: TrackedProcess;
  readonly #execs = new Map<string, TrackedProcess>();

  constructor({ bundle, binary, endpoint, shim, log, pid, adopted = false, joined = false }: TaskParts) {
    this.key = bundle.key;
    this.bundle = bundle;
    this.binary = binary;
    this.endpoint = endpoint;
    this.shim = shim;
    this.log = log;
    this.adopted = adopted;
    this.joined = joined;
    this.init = new TrackedProcess('', pid);
  }

  find(execId: string): TrackedProcess | undefined {
    return execId === '' ? this.init : this.#execs.get(execId);
  }

  /** The process with this exec id, known from now on. */
  track(execId: string, pid = 0): TrackedProcess {
    const known = this.find(execId);
    if (known !== undefined) return known;
    const process = new TrackedProcess(execId, pid);
    this.#execs.set(execId, process);
    return process;
  }

  processes(): readonly TrackedProcess[] {
    return [this.init, ...this.#execs.values()];
  }

  forget(execId: string): void {
    this.#execs.delete(execId);
  }

  /** The container is gone, and whatever ran in it: all that is not known to have ended has ended with `exit`. */
  finishAll(exit: Exit): void {
    this.init.finish(exit);
    for (const process of this.#execs.values()) process.finish({ ...exit, pid: process.pid });
  }

  /** Nobody here will learn of the ends any more. */
  failAll(error: EngineError): void {
    this.init.fail(error);
    for (const process of this.#execs.values()) process.fail(error);
  }
}
