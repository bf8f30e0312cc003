import type { Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '#/base/errors.ts';

/** Seconds. */
export const longestProfile = 600;

/** Samples for so many seconds and gives V8's own profiles as JSON, which are not Go's pprof. One at a time. */
export interface Profiler {
  /** Where the time goes: a `.cpuprofile`. */
  cpu(seconds: number, signal: AbortSignal): Promise<string>;
  /** Who takes memory: a `.heapprofile`. */
  heap(seconds: number, signal: AbortSignal): Promise<string>;
}

export function createProfiler(): Profiler {
  let busy = false;
  /** The inspector is loaded only now. */
  const withSession = async (work: (session: Session) => Promise<string>): Promise<string> => {
    if (busy) throw new EngineError('conflict', 'Cannot profile: another profile is being taken');
    busy = true;
    try {
      const inspector = await import('node:inspector/promises');
      const session = new inspector.Session();
      session.connect();
      using _ended = { [Symbol.dispose]: () => session.disconnect() };
      return await work(session);
    } finally {
      busy = false;
    }
  };
  return {
    cpu: (seconds, signal) =>
      withSession(async (session) => {
        await session.post('Profiler.enable');
        await session.post('Profiler.start');
        await sleep(seconds * 1000, undefined, { signal });
        const { profile } = await session.post('Profiler.stop');
        return JSON.stringify(profile);
      }),
    heap: (seconds, signal) =>
      withSession(async (session) => {
        await session.post('HeapProfiler.enable');
        await session.post('HeapProfiler.startSampling');
        await sleep(seconds * 1000, undefined, { signal });
        const { profile } = await session.post('HeapProfiler.stopSampling');
        return JSON.stringify(profile);
      }),
  };
}
