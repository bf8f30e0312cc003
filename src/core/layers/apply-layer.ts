import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeFailure } from '#/base/errors.ts';
import type { AppliedLayer, ApplyLayer } from '#/core/layers/contract.ts';
import { expandedLimit } from '#/core/layers/expansion.ts';
import { chainOf, processLayer } from '#/core/layers/stream-processors.ts';
import type { LayersContext } from '#/core/layers/layers-context.ts';
import { checkOutcome } from '#/core/layers/unpack-child.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { withMounts } from '#/linux/mount.ts';
import { sha256Digest } from '#/oci/digest.ts';

/**
 * Clients that unpack the layers of an image side by side name an overlay's upper directory alone, and put the snapshot
 * onto its parent afterwards. The kernel would not mount that; the directory itself is what is to be filled.
 */
function upperAlone(mounts: readonly Mount[]): Mount | undefined {
  const [only, more] = mounts;
  if (only?.type !== 'overlay' || more !== undefined) return undefined;
  const upper = only.options.find((option) => option.startsWith(upperOption));
  if (upper === undefined || only.options.some((option) => option.startsWith('lowerdir'))) return undefined;
  return { type: 'bind', source: upper.slice(upperOption.length), options: ['rbind'] };
}

const upperOption = 'upperdir=';

/** Sends the layer through the programs that its type needs, if any, and unpacks what comes out. */
export async function applyLayer(context: LayersContext, layer: ApplyLayer): Promise<AppliedLayer> {
  const { chain } = chainOf(context.processors, layer.mediaType ?? '');
  if (chain.length === 0) return await applyArchive(context, layer);
  const limit = await limitOf(context, layer);
  const { path, mediaType = '', payloads, signal } = layer;
  await using processed = await processLayer(chain, { path, mediaType, payloads, signal });
  try {
    const applied = await applyArchive(context, { ...layer, path: processed.path, limit });
    await processed.finish();
    return applied;
  } catch (error) {
    // A program that fails spoils the archive, so what it says counts; one that runs on waits for a reader.
    await Promise.race([processed.finish(), delay(programGrace, undefined, { ref: false })]).catch((cause: unknown) => {
      throw describeFailure(`Cannot unpack layer "${path}"`, cause);
    });
    throw error;
  }
}

const programGrace = 1000;

/** Mounts the tree, has a child unpack the layer into it, and unmounts it whatever came of that. */
async function applyArchive(context: LayersContext, layer: ApplyLayer): Promise<AppliedLayer> {
  const { path, compression, onProgress, signal } = layer;
  const { pool, temporaryDirectory, maxEntries, logger } = context;
  const upper = upperAlone(layer.mounts);
  const mounts = upper === undefined ? layer.mounts : [upper];
  const onWarning = (message: string): void => logger.warn(message, { layer: path });
  try {
    const limit = await limitOf(context, layer);
    return await pool.use(
      (child) =>
        withMounts(mounts, temporaryDirectory, async (target) => {
          const job = {
            kind: 'apply',
            path,
            compression,
            target,
            limit,
            maxEntries,
            own: layer.withUsage === true ? ownDirectory(layer.mounts) : undefined,
            marks: upper !== undefined,
          } as const;
          const outcome = await child.run(job, { onProgress, onWarning }, signal);
          const { diffId, size, usage } = checkOutcome(outcome, 'applied');
          return { diffId: sha256Digest(diffId), size, ...(usage === undefined ? {} : { usage }) };
        }),
      signal,
    );
  } catch (error) {
    throw describeFailure(`Cannot unpack layer "${path}"`, error);
  }
}

/** Where a layer's own files end up. */
function ownDirectory([only, more]: readonly Mount[]): string | undefined {
  if (only === undefined || more !== undefined) return undefined;
  if (only.type === 'bind') return only.source;
  return only.options.find((option) => option.startsWith(upperOption))?.slice(upperOption.length);
}

async function limitOf({ expansion }: LayersContext, { path, limit }: ApplyLayer): Promise<number> {
  if (limit !== undefined) return limit;
  // The child says what is wrong with a file that is not there.
  const size = await stat(path).then(
    (status) => status.size,
    () => 0,
  );
  return expandedLimit(expansion, size);
}
