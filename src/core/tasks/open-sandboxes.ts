import { now } from '#/base/clock.ts';
import type { EngineError } from '#/base/errors.ts';
import { describeFailure, isKind } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import { onceOrAborted } from '#/core/tasks/once-or-aborted.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { createSandbox, startSandbox } from '#/core/tasks/create-sandbox.ts';
import { shutDownSandbox } from '#/core/tasks/end-sandbox.ts';
import type { RunningSandbox } from '#/core/tasks/running-sandbox.ts';
import type { Sandboxes } from '#/core/tasks/sandbox-contract.ts';
import { sandboxMethods } from '#/core/tasks/shim-client.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { findValueOfAny } from '#/rpc/any.ts';

/** For calls that only look at something. */
const callLimit = 60_000;

export function openSandboxes(host: TaskHost): Sandboxes {
  const { registry } = host.sandboxes;
  return {
    create: async (namespace, id, sandbox) => {
      checkIdentifier('a namespace', namespace);
      checkIdentifier('a sandbox id', id);
      await createSandbox(host, { namespace, id }, sandbox);
    },
    start: async (namespace, id) => await startSandbox(host, { namespace, id }),
    stop: async (namespace, id, timeoutSeconds) => {
      const sandbox = registry.find({ namespace, id });
      if (sandbox !== undefined) await stop(sandbox, timeoutSeconds);
    },
    wait: async (namespace, id, signal) => await onceOrAborted(registry.get({ namespace, id }).exited, signal),
    status: async (namespace, id, verbose) => {
      const sandbox = registry.find({ namespace, id });
      return sandbox === undefined ? undefined : await readStatus(sandbox, verbose);
    },
    metrics: async (namespace, id) => await readMetrics(registry.get({ namespace, id })),
    shutdown: async (namespace, id) => await shutDownSandbox(host, registry.get({ namespace, id })),
  };
}

/** Lets go of all sandboxes, which run on. */
export function releaseSandboxes({ sandboxes }: TaskHost, unavailable: (key: TaskKey) => EngineError): void {
  for (const sandbox of sandboxes.registry.list()) {
    sandbox.fail(unavailable(sandbox.key));
    sandbox.shim.close();
    sandbox.log[Symbol.dispose]();
  }
}

async function stop({ shim, key }: RunningSandbox, timeoutSecs: number): Promise<void> {
  try {
    await shim.call(sandboxMethods.stopSandbox, { sandboxId: key.id, timeoutSecs });
  } catch (error) {
    if (isKind(error, 'not-found') || isKind(error, 'unavailable')) return;
    throw describeFailure(`Cannot stop sandbox "${taskName(key)}"`, error);
  }
}

async function readStatus(
  { shim, key }: RunningSandbox,
  verbose: boolean,
): Promise<NonNullable<Awaited<ReturnType<Sandboxes['status']>>>> {
  const request = { sandboxId: key.id, verbose };
  try {
    const status = await shim.call(sandboxMethods.sandboxStatus, request, { timeoutMs: callLimit });
    const { pid, state, info } = status;
    const extra = findValueOfAny(status.extra);
    const times = { createdAt: timeOf(status.createdAt), exitedAt: timeOf(status.exitedAt) };
    return { pid, state, info, ...times, ...(extra === undefined ? {} : { extra }) };
  } catch (error) {
    throw describeFailure(`Cannot read the status of sandbox "${taskName(key)}"`, error);
  }
}

async function readMetrics({ shim, key }: RunningSandbox): ReturnType<Sandboxes['metrics']> {
  const request = { sandboxId: key.id };
  try {
    const { metrics } = await shim.call(sandboxMethods.sandboxMetrics, request, { timeoutMs: callLimit });
    const data = findValueOfAny(metrics?.data);
    const timestamp = timeOf(metrics?.timestamp);
    return { id: key.id, timestamp: timestamp === 0n ? now() : timestamp, ...(data === undefined ? {} : { data }) };
  } catch (error) {
    throw describeFailure(`Cannot measure sandbox "${taskName(key)}"`, error);
  }
}
