import { access } from 'node:fs/promises';
import { messageOf } from '#/base/errors.ts';
import { deactivateRootfs } from '#/core/tasks/active-mounts.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { releaseRootfs, removeBundle } from '#/core/tasks/bundle.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import { taskName } from '#/core/tasks/context.ts';
import { endContainerOf, endShim } from '#/core/tasks/end-shim.ts';
import { findEndpoint, findShimPath, isInSandbox, removeSocket } from '#/core/tasks/endpoint-file.ts';
import { findExit } from '#/core/tasks/exit-file.ts';
import { removeLeftCgroup } from '#/core/tasks/left-cgroup.ts';
import { deleteByShim } from '#/core/tasks/run-shim.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import { killStrayShims } from '#/core/tasks/stray-shims.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';

/**
 * Takes away everything that a bundle stands for: the container, its shim, mounts and files, however far they came. It
 * works from the bundle alone, so the next daemon can do it too.
 */
export async function undoTask(host: TaskHost, bundle: Bundle): Promise<void> {
  await endTask(host, bundle);
  await removeBundle(bundle);
}

/** The same but for the files. Returns how the container ended, where that can be told. */
export async function endTask(host: TaskHost, bundle: Bundle): Promise<Exit | undefined> {
  const { logger, shims, limits } = host.context;
  const warn = (what: string) => (error: unknown) => {
    logger.warn(what, { task: taskName(bundle.key), error: messageOf(error) });
    return undefined;
  };
  if (!(await exists(bundle.path))) return undefined;
  const endpoint = await findEndpoint(bundle.path).catch(warn('cannot read where a shim listens'));
  await takeShimDown(host, bundle, endpoint).catch(warn('cannot end a shim'));
  const binary = await findShimPath(bundle.path);
  const written = await findExit(bundle);
  const exit =
    binary === undefined
      ? undefined
      : await deleteByShim({ binary, bundle, addresses: shims }, limits.cleanup).catch(
          warn('cannot clean up after a container'),
        );
  await removeLeftCgroup(bundle).catch(warn('cannot remove the cgroup of a container'));
  await releaseRootfs(bundle);
  await deactivateRootfs(host, bundle.key);
  return written ?? exit;
}

async function takeShimDown({ context, registry }: TaskHost, bundle: Bundle, endpoint?: ShimEndpoint): Promise<void> {
  // A shim that is starting waits until somebody reads its log, and would not answer before.
  using _log = await openShimLog(bundle, context.logger);
  if (await isInSandbox(bundle.path)) {
    if (endpoint !== undefined) await endContainerOf(bundle.key, endpoint);
    return;
  }
  if (endpoint !== undefined && (await endShim(bundle.key, endpoint, context.limits.shutdown)))
    return await removeSocket(endpoint);
  const servesOthers = registry.list().some((task) => task.endpoint.address === endpoint?.address);
  if (servesOthers) return;
  await killStrayShims(bundle.key, context.shims);
  if (endpoint !== undefined) await removeSocket(endpoint);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
