import { closeSync, openSync } from 'node:fs';
import { chdir } from 'node:process';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';
import { countUsage } from '#/core/layers/child/count-usage.ts';
import { kindOfFailure } from '#/core/layers/child/entry-error.ts';
import { packChanges } from '#/core/layers/child/pack.ts';
import type { Ring } from '#/core/layers/child/ring.ts';
import type { Stage } from '#/core/layers/child/stage.ts';
import { untar } from '#/core/layers/child/untar.ts';
import type { ApplyJob, DiffJob, Outcome } from '#/core/layers/jobs.ts';
import { chroot, fchdir } from '#/linux/root.ts';

/** What the main thread of the child works with. */
export interface Workshop {
  readonly ring: Ring;
  /** Inflates or deflates. */
  readonly codec: Stage;
  readonly hasher: Stage;
  /** The root of the host, which is left for each job and come back to. */
  readonly realRoot: number;
  readonly warn: (message: string) => void;
  /** Called between pieces of work; may end the process. */
  readonly onChunk: () => void;
}

/** All threads of the process share the root, so no helper may be at work when it changes. */
function returnToRealRoot({ realRoot }: Workshop): void {
  fchdir(realRoot);
  chroot('.');
}

async function withinTree<T>(shop: Workshop, tree: string, work: () => Promise<T>): Promise<T> {
  chdir(tree);
  chroot('.');
  shop.ring.reset();
  try {
    return await work();
  } finally {
    returnToRealRoot(shop);
  }
}

/** The first failure, in the order given, of stages that have all ended. */
function failureOf(results: readonly PromiseSettledResult<unknown>[]): PromiseRejectedResult | undefined {
  return results.find((result) => result.status === 'rejected');
}

export async function applyLayer(shop: Workshop, job: ApplyJob): Promise<Outcome> {
  const fd = openFile(job.path, 'r');
  try {
    const applied = await withinTree(shop, job.target, async () => {
      const inflated = shop.codec.run('inflate', { fd, compression: job.compression, limit: job.limit });
      const hashed = shop.hasher.run('hash', undefined);
      const [inflation, hash] = [settle(inflated), settle(hashed)];
      const made = attempt(() => untar(shop.ring, { ...shop, maxEntries: job.maxEntries, marks: job.marks }));
      const failure = failureOf([made, await inflation, await hash]);
      if (failure !== undefined) throw failure.reason;
      const { digest, size } = await hashed;
      return { kind: 'applied', diffId: digest, size } as const;
    });
    return job.own === undefined ? applied : { ...applied, usage: countUsage(job.own, shop.onChunk) };
  } finally {
    closeSync(fd);
  }
}

export async function diffTrees(shop: Workshop, job: DiffJob): Promise<Outcome> {
  const fd = openFile(job.path, 'w');
  const inTree = (path: string): string => path.slice(job.root.length);
  try {
    return await withinTree(shop, job.root, async () => {
      const deflated = shop.codec.run('deflate', { fd, compression: job.compression });
      const hashed = shop.hasher.run('hash', undefined);
      const [deflation, hash] = [settle(deflated), settle(hashed)];
      const packed = attempt(() =>
        packChanges(shop.ring, {
          lower: job.lower === undefined ? undefined : inTree(job.lower),
          upper: inTree(job.upper),
          latest: job.sourceDateEpoch === undefined ? undefined : BigInt(job.sourceDateEpoch) * 1_000_000_000n,
          onChange: shop.onChunk,
        }),
      );
      const failure = failureOf([packed, await deflation, await hash]);
      if (failure !== undefined) throw failure.reason;
      return { kind: 'diffed', ...(await deflated), diffId: (await hashed).digest };
    });
  } finally {
    closeSync(fd);
  }
}

function openFile(path: string, flags: 'r' | 'w'): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    const kind = errnoOf(error) === 'ENOENT' ? 'not-found' : kindOfFailure(error);
    throw new EngineError(kind, messageOf(error), { cause: error });
  }
}

async function settle<T>(pending: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([pending]);
  return result;
}

function attempt(work: () => void): PromiseSettledResult<void> {
  try {
    return { status: 'fulfilled', value: work() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}
