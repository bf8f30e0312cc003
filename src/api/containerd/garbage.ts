import type { ContainerdCore } from '#/api/containerd/core.ts';
import { messageOf } from '#/base/errors.ts';

/** Collection after deletions: at once when the client asks to see its effect, else soon, once for many of them. */
export interface GarbageCollection extends AsyncDisposable {
  schedule(): void;
  afterDelete(sync: boolean): Promise<void>;
}

const delayMs = 100;

export function openGarbageCollection({ images, logger }: ContainerdCore): GarbageCollection {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  const collect = async (): Promise<void> => {
    try {
      await images.collectGarbage();
    } catch (error) {
      logger.warn('cannot collect garbage', { error: messageOf(error) });
    }
  };
  const schedule = (): void => {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      running = running.then(collect);
    }, delayMs);
  };
  return {
    schedule,
    async afterDelete(sync) {
      if (sync) await images.collectGarbage();
      else schedule();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
