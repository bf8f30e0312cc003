import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { silentLogger, type Logger } from '#/base/log.ts';
import { applyLayer } from '#/core/layers/apply-layer.ts';
import { ChildPool } from '#/core/layers/child-pool.ts';
import { cleanMountPoints } from '#/core/layers/clean-mount-points.ts';
import type { Layers } from '#/core/layers/contract.ts';
import { diffLayer } from '#/core/layers/diff-layer.ts';
import { defaultExpansion, type ExpansionLimits } from '#/core/layers/expansion.ts';
import { chainOf, type StreamProcessor } from '#/core/layers/stream-processors.ts';
import type { LayersContext } from '#/core/layers/layers-context.ts';

export interface LayersOptions {
  /** Where trees are mounted while they are worked on; a daemon's own. */
  readonly temporaryDirectory: string;
  readonly logger?: Logger;
  /** Entries of an archive after which it is refused. */
  readonly maxEntries?: number;
  readonly expansion?: ExpansionLimits;
  readonly processors?: readonly StreamProcessor[];
}

const poolLimits = { children: 2, waiting: 1000, idleMs: 2000 };
const defaultMaxEntries = 10_000_000;

/**
 * Opens layers. What a daemon that was killed has left mounted in the temporary directory is unmounted first; its
 * children end by themselves when they see that it is gone.
 */
export async function openLayers(options: LayersOptions): Promise<Layers> {
  const temporaryDirectory = resolve(options.temporaryDirectory);
  await mkdir(temporaryDirectory, { recursive: true, mode: 0o700 });
  await cleanMountPoints(temporaryDirectory);
  const pool = new ChildPool(poolLimits);
  const { logger = silentLogger, maxEntries = defaultMaxEntries, expansion = defaultExpansion } = options;
  const { processors = [] } = options;
  const context: LayersContext = { pool, temporaryDirectory, logger, maxEntries, expansion, processors };
  return {
    expect: () => pool.warm(),
    processedType: (mediaType) => chainOf(processors, mediaType).mediaType,
    apply: (layer) => applyLayer(context, layer),
    diff: (trees) => diffLayer(context, trees),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
