import type { EngineError } from '#/base/errors.ts';
import { isKind } from '#/base/errors.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';

/** A process of a task, and its exit as soon as that is known: one question to the shim serves all who wait. */
export class TrackedProcess {
  readonly execId: string;
  pid: number;
  #exit: Exit | undefined;
  #following = false;
  readonly #settled = Promise.withResolvers<Exit>();
  readonly #stop = new AbortController();

  constructor(execId: string, pid: number) {
    this.execId = execId;
    this.pid = pid;
    // Nobody need be waiting when it fails.
    this.#settled.promise.catch(() => {});
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Rejects when it will not be known: the process was never started, or the daemon stops. */
  get exited(): Promise<Exit> {
    return this.#settled.promise;
  }

  /** Asks the shim for the exit, once. A shim that goes away answers nothing: then somebody else finishes this. */
  follow(shim: ShimClient, containerId: string): void {
    if (this.#following || this.#exit !== undefined) return;
    this.#following = true;
    const request = { id: containerId, execId: this.execId };
    shim.call(shimMethods.wait, request, { signal: this.#stop.signal }).then(
      ({ exitStatus, exitedAt }) => this.finish({ pid: this.pid, exitStatus, exitedAt: timeOf(exitedAt) }),
      (error: EngineError) => {
        if (!isKind(error, 'unavailable') && !isKind(error, 'cancelled')) this.fail(error);
      },
    );
  }

  /** The first call counts. */
  finish(exit: Exit): void {
    this.#exit ??= exit;
    this.#settled.resolve(this.#exit);
    this.#stop.abort();
  }

  fail(error: EngineError): void {
    this.#settled.reject(error);
    this.#stop.abort();
  }
}
