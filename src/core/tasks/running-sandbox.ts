import type { EngineError } from '#/base/errors.ts';
import { isKind } from '#/base/errors.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import type { SandboxExit } from '#/core/tasks/sandbox-contract.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { sandboxMethods } from '#/core/tasks/shim-client.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';

export interface SandboxParts {
  readonly bundle: Bundle;
  readonly binary: string;
  readonly endpoint: ShimEndpoint;
  readonly shim: ShimClient;
  readonly log: Disposable;
}

/** A sandbox that has a shim. */
export class RunningSandbox {
  readonly key: TaskKey;
  readonly bundle: Bundle;
  readonly binary: string;
  readonly endpoint: ShimEndpoint;
  readonly shim: ShimClient;
  readonly log: Disposable;
  #following = false;
  #over = false;
  readonly #settled = Promise.withResolvers<SandboxExit>();

  constructor({ bundle, binary, endpoint, shim, log }: SandboxParts) {
    this.key = bundle.key;
    this.bundle = bundle;
    this.binary = binary;
    this.endpoint = endpoint;
    this.shim = shim;
    this.log = log;
    // Nobody need be waiting when it fails.
    this.#settled.promise.catch(() => {});
  }

  /** Rejects when it will not be known: the daemon stops. */
  get exited(): Promise<SandboxExit> {
    return this.#settled.promise;
  }

  get wasStarted(): boolean {
    return this.#following;
  }

  /** Asks the shim for the exit, once, and tells `onExit`. A shim that goes away is somebody else's concern. */
  follow(onExit: (exit: SandboxExit) => void): void {
    if (this.#following) return;
    this.#following = true;
    this.shim.call(sandboxMethods.waitSandbox, { sandboxId: this.key.id }).then(
      ({ exitStatus, exitedAt }) => {
        const exit = { exitStatus, exitedAt: timeOf(exitedAt) };
        if (this.finish(exit)) onExit(exit);
      },
      (error: EngineError) => {
        if (!isKind(error, 'unavailable') && !isKind(error, 'cancelled')) this.fail(error);
      },
    );
  }

  /** The first call counts; false for a later one. */
  finish(exit: SandboxExit): boolean {
    const isFirst = !this.#over;
    this.#over = true;
    this.#settled.resolve(exit);
    return isFirst;
  }

  fail(error: EngineError): void {
    this.#settled.reject(error);
  }
}
