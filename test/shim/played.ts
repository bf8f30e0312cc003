import { isAlive } from '#/linux/process.ts';
import type { ShimPlace, Shim, ShimBundle } from '../support/shim.ts';
import { rootfsOf, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

export interface Streams {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly terminal?: boolean;
}

/** A container that is created and not started. */
export interface Played {
  readonly id: string;
  readonly bundle: ShimBundle;
  readonly shim: Shim;
  start(): Promise<void>;
  /** Waits for its end, deletes it, and says how it ended. */
  end(): Promise<number>;
}

/** Creates a container that runs a script with these streams, in a shim of its own. */
export async function create(shims: ShimPlace, script: string, streams: Streams): Promise<Played> {
  const bundle = await shims.bundle(['sh', '-c', script], (spec) => {
    spec.process['terminal'] = streams.terminal === true;
  });
  const shim = await bundle.start();
  const { id } = bundle;
  await shim.call(task.create, { id, bundle: bundle.path, rootfs: rootfsOf(shims), ...streams });
  return {
    id,
    bundle,
    shim,
    start: async () => {
      await shim.call(task.start, { id });
    },
    end: async () => {
      const { exitStatus } = await shim.call(task.wait, { id });
      await shim.call(task.delete, { id });
      await shim.call(task.shutdown, { id });
      await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
      return exitStatus;
    },
  };
}
