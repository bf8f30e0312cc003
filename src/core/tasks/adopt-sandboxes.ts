import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import { eachAtOnce, listBundles } from '#/core/tasks/adopt-tasks.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { bundleOf, bundlesOf, sandboxFolder } from '#/core/tasks/bundle.ts';
import { taskName } from '#/core/tasks/context.ts';
import { undoSandbox, watchSandbox } from '#/core/tasks/end-sandbox.ts';
import { findEndpoint, findShimPath } from '#/core/tasks/endpoint-file.ts';
import { RunningSandbox } from '#/core/tasks/running-sandbox.ts';
import { tellExited } from '#/core/tasks/sandbox-events.ts';
import { dialShim, sandboxMethods } from '#/core/tasks/shim-client.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';

/**
 * Takes over the sandboxes that an earlier daemon left: half-made ones are undone by their intents, shims that answer
 * are adopted, and what is left of others is removed.
 */
export async function adoptSandboxes(host: TaskHost): Promise<void> {
  await undoIntents(host);
  const { root, state, logger } = host.context;
  const directory = bundlesOf(state, sandboxFolder);
  await eachAtOnce(await listBundles(directory), async ({ namespace, name }) => {
    try {
      if (name.startsWith('.')) await rm(join(directory, namespace, name), { recursive: true, force: true });
      else await adoptBundle(host, bundleOf(host.context, { namespace, id: name }, sandboxFolder));
    } catch (error) {
      logger.error('cannot take over a sandbox', { sandbox: `${namespace}/${name}`, error: messageOf(error) });
    }
  });
  const kept = new Set((await listBundles(directory)).map(({ namespace, name }) => `${namespace}/${name}`));
  const work = bundlesOf(root, sandboxFolder);
  await eachAtOnce(await listBundles(work), async ({ namespace, name }) => {
    if (!kept.has(`${namespace}/${name}`)) await rm(join(work, namespace, name), { recursive: true, force: true });
  });
}

async function undoIntents(host: TaskHost): Promise<void> {
  const { metadata, logger } = host.context;
  await eachAtOnce(metadata.read.listIntents('sandbox'), async ({ id, detail }) => {
    const { namespace, id: sandbox } = detail;
    if (typeof namespace !== 'string' || typeof sandbox !== 'string') return;
    logger.info('undoing a sandbox that was not finished', { sandbox: `${namespace}/${sandbox}` });
    await undoSandbox(host, bundleOf(host.context, { namespace, id: sandbox }, sandboxFolder));
    await metadata.write((tx) => tx.removeIntent(id));
  });
}

async function adoptBundle(host: TaskHost, bundle: Bundle): Promise<void> {
  const isEmpty = await rmdir(bundle.path).then(
    () => true,
    () => false,
  );
  if (isEmpty) return;
  const fields = { sandbox: taskName(bundle.key) };
  try {
    const sandbox = await openSandbox(host, bundle);
    host.sandboxes.registry.add(sandbox);
    watchSandbox(host, sandbox);
  } catch (error) {
    const { logger } = host.context;
    if (isKind(error, 'deadline-exceeded')) {
      const said = { ...fields, error: messageOf(error) };
      return logger.error('the shim of a sandbox does not answer; it is left alone until the next start', said);
    }
    logger.warn('a sandbox did not outlive the daemon', { ...fields, error: messageOf(error) });
    await undoSandbox(host, bundle);
  }
}

async function openSandbox(host: TaskHost, bundle: Bundle): Promise<RunningSandbox> {
  await using undo = new AsyncDisposableStack();
  const [binary, endpoint] = await Promise.all([findShimPath(bundle.path), findEndpoint(bundle.path)]);
  if (binary === undefined || endpoint === undefined)
    throw new EngineError('not-found', `Cannot take over sandbox "${taskName(bundle.key)}": its bundle names no shim`);
  const log = undo.use(await openShimLog(bundle, host.context.logger));
  const shim = await dialShim(bundle.key.namespace, endpoint, {
    signal: AbortSignal.timeout(host.context.limits.load),
  });
  undo.defer(() => shim.close());
  const sandbox = new RunningSandbox({ bundle, binary, endpoint, shim, log });
  const request = { sandboxId: bundle.key.id, verbose: false };
  const { pid } = await shim.call(sandboxMethods.sandboxStatus, request, { timeoutMs: host.context.limits.load });
  if (pid !== 0) sandbox.follow((exit) => tellExited(host, bundle.key, exit));
  undo.move();
  return sandbox;
}
