import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#/base/errors.ts';
import { KeyedMutex } from '#/base/keyed-mutex.ts';
import type { Envelope } from '#/core/events/contract.ts';
import type { Change } from '#/core/metadata/contract.ts';
import { removeContainerFiles } from '#/engine/container-files.ts';
import { inBackground, keyOf, type EngineContext, type EngineParts } from '#/engine/context.ts';
import { EngineEvents } from '#/engine/engine-events.ts';
import { forget } from '#/engine/remove.ts';
import { reconcile } from '#/engine/reconcile.ts';
import { undoLeftMounts } from '#/linux/mount.ts';

export interface Engine extends EngineContext, AsyncDisposable {}

/**
 * Opens the engine: containers as a person means them. When it resolves, records and reality agree. Closing it leaves
 * every container running.
 */
export async function openEngine(parts: EngineParts): Promise<Engine> {
  const closing = new AbortController();
  await Promise.all([
    mkdir(join(parts.root, 'containers'), { recursive: true, mode: 0o710 }),
    mkdir(join(parts.state, 'stdio'), { recursive: true, mode: 0o700 }),
    mkdir(join(parts.state, 'tmpmounts'), { recursive: true, mode: 0o700 }),
  ]);
  await undoLeftMounts(join(parts.state, 'tmpmounts'));
  const context: EngineContext = {
    ...parts,
    locks: new KeyedMutex(),
    live: new Map(),
    execs: new Map(),
    removing: new Set(),
    bus: new EngineEvents(),
    userFiles: new Map(),
    closing: closing.signal,
    background: new Set(),
  };
  context.tasks.recordLossesBy(async (task) => await context.live.get(keyOf(task))?.supervision);
  await reconcile(context);
  void noteOutOfMemory(context);
  const stopFollowing = context.metadata.onChange((changes) => followRemovals(context, changes));
  return {
    ...context,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      stopFollowing();
      for (const live of context.live.values()) for (const socket of live.attached) socket.destroy();
      await Promise.allSettled(context.background);
    },
  };
}

/** A container of ours that another face removed takes its files, waiters and attached clients with it. */
function followRemovals(context: EngineContext, changes: readonly Change[]): void {
  for (const { kind, op, namespace, id } of changes) {
    if (kind !== 'container' || op !== 'delete' || context.removing.has(keyOf({ namespace, id }))) continue;
    forget(context, { namespace, id }, 0);
    inBackground(context, `removing the files of container "${id}"`, removeContainerFiles(context, { namespace, id }));
  }
}

/** Remembers which containers the kernel's OOM killer struck, for the record of their end. */
async function noteOutOfMemory(context: EngineContext): Promise<void> {
  try {
    for await (const envelope of context.events.subscribe(context.closing)) noteOne(context, envelope);
  } catch (error) {
    context.logger.warn('out-of-memory events are not followed any more', { error: messageOf(error) });
  }
}

function noteOne(context: EngineContext, { namespace, event }: Envelope): void {
  if ('foreign' in event || event.topic !== '/tasks/oom') return;
  const live = context.live.get(`${namespace}/${event.containerId}`);
  if (live !== undefined) live.oomKilled = true;
}
