import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TypedValue } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError, describeFailure, isKind, messageOf } from '#/base/errors.ts';
import { namingFullDisk } from '#/base/disk-full.ts';
import { activateRootfs } from '#/core/tasks/active-mounts.ts';
import type { Bundle, BundleContent } from '#/core/tasks/bundle.ts';
import { bundleOf, createBundle } from '#/core/tasks/bundle.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { CreateTask } from '#/core/tasks/contract.ts';
import type { ShimProcess } from '#/core/tasks/bring-up-shim.ts';
import { bringUpShim, joinShim, parseTaskApi } from '#/core/tasks/bring-up-shim.ts';
import { writeSandbox } from '#/core/tasks/endpoint-file.ts';
import { watchShim } from '#/core/tasks/lose-shim.ts';
import { RunningTask } from '#/core/tasks/running-task.ts';
import { runtimeOptions } from '#/core/tasks/runtime-options.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { mountsForShim } from '#/core/tasks/mount-rootfs.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { undoTask } from '#/core/tasks/undo-task.ts';
import { wireMount } from '#/core/tasks/wire-mount.ts';
import { findAnyOfValue } from '#/rpc/any.ts';

/**
 * Makes a task: an intent, a bundle, a shim in it, and the container by that shim. Whatever fails, nothing stays; a
 * daemon that dies on the way leaves the intent, and the next one undoes what it names.
 */
export async function createTask(host: TaskHost, key: TaskKey, request: CreateTask): Promise<{ readonly pid: number }> {
  const { context, registry, teardowns } = host;
  const container = context.metadata.read.containers.get(key.namespace, key.id);
  checkRequest(key, request);
  using _reserved = registry.reserve(key);
  await teardowns.settled(key);
  const binary = await host.binaries.find(request.runtimePath ?? container.runtime.name);
  const options = runtimeOptions(context.state, request.options ?? container.runtime.options, binary);
  await using undo = new AsyncDisposableStack();
  const bundle = bundleOf(context, key);
  const intent = await addIntent(host, bundle);
  undo.defer(() => undoCreate(host, bundle, intent));
  await makeBundle(host, bundle, { spec: container.spec.value, shim: binary });
  const rootfs = await activateRootfs(host, key, { binary, rootfs: request.rootfs });
  const restored = await layOutCheckpoint(bundle, request.checkpoint);
  const task = await startTask({ host, undo, bundle, binary, options, restored, request: { ...request, rootfs } });
  task.init.follow(task.shim, key.id);
  await removeIntent(host, intent);
  undo.move();
  registry.add(task);
  watchShim(host, task);
  return { pid: task.init.pid };
}

/** What cannot be undone now keeps its intent, so that the next start tries again. */
async function undoCreate(host: TaskHost, bundle: Bundle, intent: string): Promise<void> {
  try {
    await undoTask(host, bundle);
    await removeIntent(host, intent);
  } catch (error) {
    const fields = { task: taskName(bundle.key), error: messageOf(error) };
    host.context.logger.error('cannot undo a task that failed; the next start will', fields);
  }
}

function checkRequest(key: TaskKey, { stdio }: CreateTask): void {
  if (!stdio.terminal || stdio.stderr === '') return;
  throw new EngineError(
    'invalid-argument',
    `Cannot create task "${taskName(key)}": a terminal has no stderr of its own`,
  );
}

/** The directory that the runtime restores from, at the task's start; it is removed with the bundle. */
async function layOutCheckpoint({ work, key }: Bundle, checkpoint: CreateTask['checkpoint']): Promise<string> {
  if (checkpoint === undefined) return '';
  if ('path' in checkpoint) return checkpoint.path;
  const directory = join(work, 'restored');
  try {
    await mkdir(directory, { mode: 0o700 });
    await checkpoint.fill(directory);
    return directory;
  } catch (error) {
    throw describeFailure(`Cannot lay out the checkpoint of task "${taskName(key)}"`, error);
  }
}

/** What stands in the way although no task has the id, an earlier one could not remove: it is tried again. */
async function makeBundle(host: TaskHost, bundle: Bundle, content: BundleContent): Promise<void> {
  const create = (): Promise<void> =>
    namingFullDisk(`Cannot create task "${taskName(bundle.key)}"`, host.context.state, () =>
      createBundle(bundle, content),
    );
  try {
    await create();
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    host.context.logger.warn('removing a bundle that was left', { task: taskName(bundle.key) });
    await undoTask(host, bundle);
    await create();
  }
}

async function addIntent({ context }: TaskHost, { key, path }: Bundle): Promise<string> {
  const id = `task/${taskName(key)}`;
  const detail = { namespace: key.namespace, id: key.id, bundle: path };
  // What a power cut takes with it, bundles and processes, needs no undoing: it need not be durable.
  await context.metadata.write(
    (tx) => {
      tx.removeIntent(id);
      tx.addIntent({ id, namespace: key.namespace, kind: 'task', detail, createdAt: now() });
    },
    { durable: false },
  );
  return id;
}

async function removeIntent({ context }: TaskHost, id: string): Promise<void> {
  await context.metadata.write((tx) => tx.removeIntent(id), { durable: false });
}

interface StartTask {
  readonly host: TaskHost;
  readonly undo: AsyncDisposableStack;
  readonly bundle: Bundle;
  readonly binary: string;
  readonly options: TypedValue | undefined;
  readonly restored: string;
  readonly request: CreateTask;
}

async function startTask(start: StartTask): Promise<RunningTask> {
  const { host, undo, bundle, binary, options, request } = start;
  const home = findHome(host, bundle.key, request);
  const brought =
    home === undefined
      ? await bringUpShim(host, undo, { bundle, binary, options })
      : await enterHome(host, undo, bundle, home);
  const pid = await createContainer(brought.shim, start);
  return new RunningTask({ bundle, binary, ...brought, pid, joined: home !== undefined });
}

/** A shim that is there already, and where the task is to run. */
interface Home {
  readonly sandbox: string;
  readonly endpoint: ShimEndpoint;
}

/** Shims of this version and newer keep the containers of a sandbox apart without a program started for each. */
const sandboxVersion = 3;

/** Where the client says that tasks are served, or the shim of the container's sandbox. Undefined for a shim of its own. */
function findHome({ context, sandboxes }: TaskHost, key: TaskKey, { taskApi }: CreateTask): Home | undefined {
  const { sandbox } = context.metadata.read.containers.get(key.namespace, key.id);
  if (taskApi !== undefined) return { sandbox, endpoint: parseTaskApi(taskApi.address, taskApi.version) };
  if (sandbox === '') return undefined;
  const place = { namespace: key.namespace, id: sandbox };
  if (context.metadata.read.sandboxes.find(key.namespace, sandbox) === undefined) {
    context.logger.warn('a container names a sandbox without a record; it gets its own shim', place);
    return undefined;
  }
  const { endpoint } = sandboxes.registry.get(place);
  return endpoint.version < sandboxVersion ? undefined : { sandbox, endpoint };
}

async function enterHome(
  { context }: TaskHost,
  undo: AsyncDisposableStack,
  bundle: Bundle,
  { sandbox, endpoint }: Home,
): Promise<ShimProcess> {
  await writeSandbox(bundle, sandbox);
  const log = undo.use(await openShimLog(bundle, context.logger));
  return { ...(await joinShim(undo, bundle, endpoint)), log };
}

async function createContainer(
  shim: ShimClient,
  { bundle, request: { rootfs, stdio, signal }, options, restored }: StartTask,
): Promise<number> {
  const packed = findAnyOfValue(options);
  try {
    const mounts = await mountsForShim(bundle, rootfs);
    const request = {
      id: bundle.key.id,
      bundle: bundle.path,
      rootfs: mounts.map(wireMount),
      ...stdio,
      checkpoint: restored,
      ...(packed === undefined ? {} : { options: packed }),
    };
    const { pid } = await shim.call(shimMethods.create, request, signal === undefined ? {} : { signal });
    return pid;
  } catch (error) {
    throw describeFailure(`Cannot create task "${taskName(bundle.key)}"`, error);
  }
}
