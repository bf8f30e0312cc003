import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFailure } from '#/base/errors.ts';
import { pairPrefix } from '#/core/layers/clean-mount-points.ts';
import type { DiffedLayer, DiffLayer } from '#/core/layers/contract.ts';
import type { LayersContext } from '#/core/layers/layers-context.ts';
import { checkOutcome } from '#/core/layers/unpack-child.ts';
import { withMounts } from '#/linux/mount.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { sha256Digest } from '#/oci/digest.ts';

/** Mounts both trees, has a child write the archive, and unmounts them. No archive is left when it fails. */
export async function diffLayer(context: LayersContext, trees: DiffLayer): Promise<DiffedLayer> {
  const { lower, upper, compression, path, sourceDateEpoch, signal } = trees;
  try {
    return await context.pool.use(
      (child) =>
        withPair(context.temporaryDirectory, { lower, upper }, async (pair) => {
          const job = { kind: 'diff', ...pair, compression, path, sourceDateEpoch } as const;
          const onWarning = (message: string): void => context.logger.warn(message, { layer: path });
          const { digest, size, diffId } = checkOutcome(await child.run(job, { onWarning }, signal), 'diffed');
          return { digest: sha256Digest(digest), size, diffId: sha256Digest(diffId) };
        }),
      signal,
    );
  } catch (error) {
    await rm(path, { force: true });
    throw describeFailure(`Cannot write the layer "${path}"`, error);
  }
}

interface Pair {
  readonly root: string;
  readonly lower: string | undefined;
  readonly upper: string;
}

/** Mounts both trees in a directory of their own, so that the child sees these two and nothing else. */
async function withPair<T>(
  directory: string,
  { lower, upper }: Pick<DiffLayer, 'lower' | 'upper'>,
  work: (pair: Pair) => Promise<T>,
): Promise<T> {
  await using undo = new AsyncDisposableStack();
  const root = await mkdtemp(join(directory, pairPrefix));
  undo.defer(() => rmdir(root));
  return await withMounts(upper, root, (above) =>
    withOptionalMounts(lower, root, (below) => work({ root, lower: below, upper: above })),
  );
}

/** No mounts are an empty tree. */
function withOptionalMounts<T>(
  mounts: readonly Mount[],
  root: string,
  work: (target: string | undefined) => Promise<T>,
): Promise<T> {
  return mounts.length === 0 ? work(undefined) : withMounts(mounts, root, work);
}
