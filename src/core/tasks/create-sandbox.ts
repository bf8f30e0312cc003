import { now } from '#/base/clock.ts';
import { EngineError, describeFailure, isKind, messageOf } from '#/base/errors.ts';
import { bringUpShim } from '#/core/tasks/bring-up-shim.ts';
import type { Bundle, BundleContent } from '#/core/tasks/bundle.ts';
import { bundleOf, createBundle, sandboxFolder } from '#/core/tasks/bundle.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import { undoSandbox, watchSandbox } from '#/core/tasks/end-sandbox.ts';
import { RunningSandbox } from '#/core/tasks/running-sandbox.ts';
import { runtimeOptions } from '#/core/tasks/runtime-options.ts';
import type { CreateSandbox } from '#/core/tasks/sandbox-contract.ts';
import { tellCreated, tellExited, tellStarted } from '#/core/tasks/sandbox-events.ts';
import { sandboxMethods } from '#/core/tasks/shim-client.ts';
import { wireMount } from '#/core/tasks/wire-mount.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { findAnyOfValue } from '#/rpc/any.ts';

/**
 * Makes a sandbox: an intent, a bundle, a shim in it, and the sandbox by that shim. Whatever fails, nothing stays; a
 * daemon that dies on the way leaves the intent, and the next one undoes what it names.
 */
export async function createSandbox(host: TaskHost, key: TaskKey, request: CreateSandbox): Promise<void> {
  const { runtime, spec } = request.record;
  if (runtime.name === '')
    throw new EngineError('invalid-argument', `Cannot create sandbox "${taskName(key)}": it names no runtime`);
  using _reserved = host.sandboxes.registry.reserve(key);
  await host.sandboxes.teardowns.settled(key);
  const binary = await host.binaries.find(runtime.name);
  const options = runtimeOptions(host.context.state, runtime.options, binary);
  await using undo = new AsyncDisposableStack();
  const bundle = bundleOf(host.context, key, sandboxFolder);
  const intent = await addIntent(host, bundle);
  undo.defer(() => undoCreate(host, bundle, intent));
  await makeBundle(host, bundle, { shim: binary, ...(spec === undefined ? {} : { spec: spec.value }) });
  const brought = await bringUpShim(host, undo, { bundle, binary, options });
  const sandbox = new RunningSandbox({ bundle, binary, ...brought });
  await callCreate(sandbox, request);
  await host.context.metadata.write((tx) => tx.removeIntent(intent), { durable: false });
  undo.move();
  host.sandboxes.registry.add(sandbox);
  watchSandbox(host, sandbox);
  tellCreated(host, key);
}

/** Starts a created sandbox and follows it to its end. One that does not start is taken down. */
export async function startSandbox(
  host: TaskHost,
  key: TaskKey,
): Promise<{ readonly pid: number; readonly createdAt: bigint }> {
  const sandbox = host.sandboxes.registry.get(key);
  try {
    const { pid, createdAt } = await sandbox.shim.call(sandboxMethods.startSandbox, { sandboxId: key.id });
    sandbox.follow((exit) => tellExited(host, key, exit));
    tellStarted(host, key);
    return { pid, createdAt: timeOf(createdAt) };
  } catch (error) {
    host.sandboxes.registry.remove(sandbox);
    sandbox.log[Symbol.dispose]();
    sandbox.shim.close();
    await undoSandbox(host, sandbox.bundle);
    throw describeFailure(`Cannot start sandbox "${taskName(key)}"`, error);
  }
}

async function callCreate(
  { shim, bundle, key }: RunningSandbox,
  { rootfs, options, netnsPath, annotations }: CreateSandbox,
): Promise<void> {
  const packed = findAnyOfValue(options);
  try {
    await shim.call(sandboxMethods.createSandbox, {
      sandboxId: key.id,
      bundlePath: bundle.path,
      rootfs: rootfs.map(wireMount),
      netnsPath,
      annotations: { ...annotations },
      ...(packed === undefined ? {} : { options: packed }),
    });
  } catch (error) {
    throw describeFailure(`Cannot create sandbox "${taskName(key)}"`, error);
  }
}

async function addIntent({ context }: TaskHost, { key, path }: Bundle): Promise<string> {
  const id = `sandbox/${taskName(key)}`;
  const detail = { namespace: key.namespace, id: key.id, bundle: path };
  await context.metadata.write(
    (tx) => {
      tx.removeIntent(id);
      tx.addIntent({ id, namespace: key.namespace, kind: 'sandbox', detail, createdAt: now() });
    },
    { durable: false },
  );
  return id;
}

/** What cannot be undone now keeps its intent, so that the next start tries again. */
async function undoCreate(host: TaskHost, bundle: Bundle, intent: string): Promise<void> {
  try {
    await undoSandbox(host, bundle);
    await host.context.metadata.write((tx) => tx.removeIntent(intent), { durable: false });
  } catch (error) {
    const fields = { sandbox: taskName(bundle.key), error: messageOf(error) };
    host.context.logger.error('cannot undo a sandbox that failed; the next start will', fields);
  }
}

/** What stands in the way although no sandbox has the id, an earlier one could not remove: it is tried again. */
async function makeBundle(host: TaskHost, bundle: Bundle, content: BundleContent): Promise<void> {
  try {
    await createBundle(bundle, content);
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    await undoSandbox(host, bundle);
    await createBundle(bundle, content);
  }
}
