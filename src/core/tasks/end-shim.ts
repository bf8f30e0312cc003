import { setTimeout as delay } from 'node:timers/promises';
import { isKind } from '#/base/errors.ts';
import type { TaskKey } from '#/core/tasks/context.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { dialShim, shimMethods } from '#/core/tasks/shim-client.ts';

const answerLimit = 2000;
const sigkill = 9;

/** Asks a shim without containers to end, and waits until it has. False when it stays: it may serve others. */
export async function shutDownShim(shim: ShimClient, { id }: TaskKey, timeoutMs: number): Promise<boolean> {
  await shim.call(shimMethods.shutdown, { id }, { timeoutMs }).catch(() => {});
  const ended = await Promise.race([shim.closed.then(() => true), delay(timeoutMs, false, { ref: false })]);
  shim.close();
  return ended;
}

/**
 * Ends a shim and the container in it, by asking as long as it answers; false when nobody listens, when it does not
 * answer, or when it stays because it serves other tasks too.
 */
export async function endShim(key: TaskKey, endpoint: ShimEndpoint, shutdownMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(answerLimit);
  const shim = await dialShim(key.namespace, endpoint, { signal }).catch(() => undefined);
  if (shim === undefined) return false;
  if (await endContainer(shim, key.id)) return await shutDownShim(shim, key, shutdownMs);
  shim.close();
  return false;
}

/** Ends the container in a shim that stays, as far as the shim answers. */
export async function endContainerOf(key: TaskKey, endpoint: ShimEndpoint): Promise<void> {
  const signal = AbortSignal.timeout(answerLimit);
  const shim = await dialShim(key.namespace, endpoint, { signal }).catch(() => undefined);
  if (shim === undefined) return;
  await endContainer(shim, key.id);
  shim.close();
}

/** False when the shim does not answer. That it knows of no container is an answer. */
async function endContainer(shim: ShimClient, id: string): Promise<boolean> {
  const limit = { timeoutMs: answerLimit };
  try {
    await shim.call(shimMethods.kill, { id, signal: sigkill, all: true }, limit);
    await shim.call(shimMethods.wait, { id }, limit);
  } catch (error) {
    if (isKind(error, 'deadline-exceeded') || isKind(error, 'unavailable')) return false;
  }
  await shim.call(shimMethods.delete, { id }, limit).catch(() => {});
  return true;
}
