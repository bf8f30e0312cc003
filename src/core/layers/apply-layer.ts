import { describeFailure } from '#/base/errors.ts';
import type { AppliedLayer, ApplyLayer } from '#/core/layers/contract.ts';
import type { LayersContext } from '#/core/layers/layers-context.ts';
import { checkOutcome } from '#/core/layers/unpack-child.ts';
import { withMounts } from '#/linux/mount.ts';
import { sha256Digest } from '#/oci/digest.ts';

/** Mounts the tree, has a child unpack the layer into it, and unmounts it whatever came of that. */
export async function applyLayer(context: LayersContext, layer: ApplyLayer): Promise<AppliedLayer> {
  const { path, compression, mounts, limit = Number.MAX_SAFE_INTEGER, onProgress, signal } = layer;
  const { pool, temporaryDirectory, maxEntries, logger } = context;
  const onWarning = (message: string): void => logger.warn(message, { layer: path });
  try {
    return await pool.use(
      (child) =>
        withMounts(mounts, temporaryDirectory, async (target) => {
          const job = { kind: 'apply', path, compression, target, limit, maxEntries } as const;
          const outcome = await child.run(job, { onProgress, onWarning }, signal);
          const { diffId, size } = checkOutcome(outcome, 'applied');
          return { diffId: sha256Digest(diffId), size };
        }),
      signal,
    );
  } catch (error) {
    throw describeFailure(`Cannot unpack layer "${path}"`, error);
  }
}
