import { setTimeout as delay } from 'node:timers/promises';

const pause = 20;

/** Looks until `find` answers something; after `limit` milliseconds throws what was waited for. */
export async function until<T>(what: string, find: () => Promise<T | undefined>, limit = 10_000): Promise<T> {
  for (const deadline = performance.now() + limit; ; await delay(pause)) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${limit} ms`);
  }
}

/** The same for a condition. */
export async function untilTrue(what: string, holds: () => Promise<boolean>, limit?: number): Promise<void> {
  await until(what, async () => ((await holds()) ? true : undefined), limit);
}
