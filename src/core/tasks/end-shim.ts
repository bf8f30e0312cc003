import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isKind } from '#/base/errors.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import { removeSocket } from '#/core/tasks/endpoint-file.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { dialShim, shimMethods } from '#/core/tasks/shim-client.ts';
import { signal } from '#/linux/process.ts';

const shutdownLimit = 3000;
const killLimit = 2000;
const sigkill = 9;

/** Asks a shim without containers to end, and waits until it has. False when it stays: it may serve others. */
export async function shutDownShim(shim: ShimClient, { id }: TaskKey): Promise<boolean> {
  await shim.call(shimMethods.shutdown, { id }, { timeoutMs: shutdownLimit }).catch(() => {});
  const ended = await Promise.race([shim.closed.then(() => true), delay(shutdownLimit, false, { ref: false })]);
  shim.close();
  return ended;
}

/**
 * Ends a shim and the container in it, by asking as long as it answers. A shim that was started for this task and still
 * does not end is killed; one that serves other tasks too stays.
 */
export async function endShim(key: TaskKey, endpoint: ShimEndpoint): Promise<void> {
  const limit = { timeoutMs: killLimit };
  const shim = await dialShim(key.namespace, endpoint, { signal: AbortSignal.timeout(killLimit) }).catch(
    () => undefined,
  );
  if (shim === undefined) return await removeSocket(endpoint);
  const { id } = key;
  const shimPid = await shim.call(shimMethods.connect, { id }, limit).then(
    (answer) => answer.shimPid,
    () => 0,
  );
  const killed = shim.call(shimMethods.kill, { id, signal: sigkill, all: true }, limit);
  const wasThere = await killed.then(
    () => true,
    (error: unknown) => !isKind(error, 'not-found'),
  );
  if (wasThere) await shim.call(shimMethods.wait, { id }, limit).catch(() => {});
  await shim.call(shimMethods.delete, { id }, limit).catch(() => {});
  if (await shutDownShim(shim, key)) return;
  if (!(await wasStartedFor(shimPid, key))) return;
  signal(shimPid, sigkill);
  await removeSocket(endpoint);
}

/** Shims carry the namespace and the id of their first container as flags. */
async function wasStartedFor(pid: number, { namespace, id }: TaskKey): Promise<boolean> {
  if (pid <= 1) return false;
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const follows = (flag: string, value: string): boolean => words[words.indexOf(flag) + 1] === value;
  return follows('-namespace', namespace) && follows('-id', id);
}
