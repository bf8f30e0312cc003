import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { now } from '#/base/clock.ts';
import { EngineError, errnoOf, isKind, messageOf } from '#/base/errors.ts';
import { isIdentifier } from '#/base/identifier.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { bundleOf, bundlesOf, removeBundle } from '#/core/tasks/bundle.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { taskName } from '#/core/tasks/context.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import { keepExit } from '#/core/tasks/exit-file.ts';
import { shutDownShim } from '#/core/tasks/end-shim.ts';
import { findEndpoint, findShimPath, isInSandbox, removeSocket } from '#/core/tasks/endpoint-file.ts';
import { publishLoss, watchShim } from '#/core/tasks/lose-shim.ts';
import { RunningTask } from '#/core/tasks/running-task.ts';
import { dialShim, shimMethods } from '#/core/tasks/shim-client.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { endTask, undoTask } from '#/core/tasks/undo-task.ts';
import { ProcessDetailsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { findValueOfAny, holdsMessage, unpackMessage } from '#/rpc/any.ts';

const atOnce = 32;

/**
 * Takes over what an earlier daemon left: half-made tasks are undone by their intents, shims that answer are adopted
 * with what they know, and the rest (bundles without a shim, deleted ones, work directories) is removed.
 */
export async function adoptTasks(host: TaskHost): Promise<void> {
  await undoIntents(host);
  const { root, state } = host.context;
  const places = await listBundles(bundlesOf(state));
  await eachAtOnce(places, async ({ namespace, name }) => {
    const directory = join(bundlesOf(state), namespace, name);
    try {
      if (name.startsWith('.')) await finishDelete(host, namespace, directory);
      else await adoptBundle(host, bundleOf(host.context, { namespace, id: name }));
    } catch (error) {
      host.context.logger.error('cannot take over a task', { bundle: directory, error: messageOf(error) });
    }
  });
  await removeStrayWork(host, bundlesOf(root));
}

async function undoIntents(host: TaskHost): Promise<void> {
  const { metadata, logger } = host.context;
  await eachAtOnce(metadata.read.listIntents('task'), async ({ id, detail }) => {
    const { namespace, id: task } = detail;
    if (typeof namespace !== 'string' || typeof task !== 'string') return;
    logger.info('undoing a task that was not finished', { task: `${namespace}/${task}` });
    await undoTask(host, bundleOf(host.context, { namespace, id: task }));
    await metadata.write((tx) => tx.removeIntent(id));
  });
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** The bundles of all namespaces; those that are being deleted have a dot before their name. */
export async function listBundles(directory: string): Promise<Place[]> {
  const namespaces = (await listDirectories(directory)).filter(isIdentifier);
  const found = await Promise.all(
    namespaces.map(async (namespace) =>
      (await listDirectories(join(directory, namespace))).map((name) => ({ namespace, name })),
    ),
  );
  return found.flat().filter(({ name }) => name.startsWith('.') || isIdentifier(name));
}

async function listDirectories(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

export async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** A deleted task whose shim or files were still there when the daemon died. */
async function finishDelete({ context }: TaskHost, namespace: string, directory: string): Promise<void> {
  const endpoint = (await isInSandbox(directory)) ? undefined : await findEndpoint(directory).catch(() => undefined);
  if (endpoint !== undefined) {
    const signal = AbortSignal.timeout(context.limits.load);
    const shim = await dialShim(namespace, endpoint, { signal }).catch(() => undefined);
    const gone = shim === undefined || (await shutDownShim(shim, { namespace, id: '' }, context.limits.shutdown));
    if (gone) await removeSocket(endpoint);
  }
  await rm(directory, { recursive: true, force: true });
}

async function adoptBundle(host: TaskHost, bundle: Bundle): Promise<void> {
  const { context, registry } = host;
  const isEmpty = await rmdir(bundle.path).then(
    () => true,
    () => false,
  );
  if (isEmpty) return;
  try {
    const task = await openTask(host, bundle);
    registry.add(task);
    watchShim(host, task);
  } catch (error) {
    const fields = { task: taskName(bundle.key), error: messageOf(error) };
    if (isKind(error, 'deadline-exceeded')) {
      context.logger.error('a shim does not answer; its task is left alone until the next start', fields);
      return;
    }
    context.logger.warn('a task did not outlive the daemon', fields);
    const exit = await endTask(host, bundle);
    if (exit === undefined) await removeBundle(bundle);
    else await keepLost(host, bundle, exit);
    publishLoss(host, bundle.key, exit ?? { pid: 0, exitStatus: 255, exitedAt: now() }, true);
  }
}

/** Its bundle stays until the end is on record. */
async function keepLost({ lost }: TaskHost, bundle: Bundle, exit: Exit): Promise<void> {
  await keepExit(bundle, exit);
  lost.set(taskName(bundle.key), { bundle, exit });
}

async function openTask({ context }: TaskHost, bundle: Bundle): Promise<RunningTask> {
  await using undo = new AsyncDisposableStack();
  const [binary, endpoint] = await Promise.all([findShimPath(bundle.path), findEndpoint(bundle.path)]);
  if (binary === undefined || endpoint === undefined)
    throw new EngineError('not-found', `Cannot take over task "${taskName(bundle.key)}": its bundle names no shim`);
  const log = undo.use(await openShimLog(bundle, context.logger));
  const shim = await dialShim(bundle.key.namespace, endpoint, { signal: AbortSignal.timeout(context.limits.load) });
  undo.defer(() => shim.close());
  const request = { id: bundle.key.id };
  const state = await shim.call(shimMethods.state, request, { timeoutMs: context.limits.load });
  const { pid, exitStatus } = state;
  const joined = await isInSandbox(bundle.path);
  const task = new RunningTask({ bundle, binary, endpoint, shim, log, pid, adopted: true, joined });
  if (state.status === Status.STOPPED) task.init.finish({ pid, exitStatus, exitedAt: timeOf(state.exitedAt) });
  else await followAll(task, context.limits.load);
  undo.move();
  return task;
}

/** Follows the first process, and those that were added to the container and still run; of others the shim is asked. */
async function followAll(task: RunningTask, timeoutMs: number): Promise<void> {
  const { shim, key, init } = task;
  init.follow(shim, key.id);
  const listed = await shim.call(shimMethods.pids, { id: key.id }, { timeoutMs }).catch(() => undefined);
  for (const { pid, info } of listed?.processes ?? []) {
    const value = findValueOfAny(info);
    if (value === undefined || !holdsMessage(value, ProcessDetailsSchema)) continue;
    task.track(unpackMessage(ProcessDetailsSchema, value).execId, pid).follow(shim, key.id);
  }
}

async function removeStrayWork({ registry, context }: TaskHost, directory: string): Promise<void> {
  const places = await listBundles(directory);
  await eachAtOnce(places, async ({ namespace, name }) => {
    const key: TaskKey = { namespace, id: name };
    const kept = registry.find(key) !== undefined || (await isThere(bundleOf(context, key)));
    if (!kept) await rm(join(directory, namespace, name), { recursive: true, force: true });
  });
}

async function isThere({ path }: Bundle): Promise<boolean> {
  return await readdir(path).then(
    () => true,
    () => false,
  );
}
