import type { ContainerdCore } from '#/api/containerd/core.ts';
import { messageOf } from '#/base/errors.ts';

/**
 * Collection after deletions: at once when the client asks to see its effect; else, as containerd has it, when enough
 * has changed since, because clients that work without a lease count on their blobs and snapshots staying for a while.
 */
export interface GarbageCollection extends AsyncDisposable {
  /** Something was deleted, so that there may be garbage. */
  noteDeletion(): void;
  afterDelete(sync: boolean): Promise<void>;
}

/** Writes to the metadata after which a deletion leads to a collection. */
const mutationThreshold = 100;

export function openGarbageCollection({ images, metadata, logger }: ContainerdCore): GarbageCollection {
  let deleted = false;
  let mutations = 0;
  let running: Promise<unknown> = Promise.resolve();
  const collect = async (): Promise<void> => {
    deleted = false;
    mutations = 0;
    await images.collectGarbage();
  };
  const stop = metadata.onChange(() => {
    mutations += 1;
    if (!deleted || mutations < mutationThreshold) return;
    running = collect().catch((error: unknown) => logger.warn('cannot collect garbage', { error: messageOf(error) }));
  });
  const noteDeletion = (): void => void (deleted = true);
  return {
    noteDeletion,
    async afterDelete(sync) {
      if (sync) await collect();
      else noteDeletion();
    },
    async [Symbol.asyncDispose]() {
      stop();
      await running;
    },
  };
}
