import type { Logger } from '#/base/log.ts';
import type { ChildPool } from '#/core/layers/child-pool.ts';
import type { StreamProcessor } from '#/core/layers/stream-processors.ts';
import type { ExpansionLimits } from '#/core/layers/expansion.ts';

/** What apply and diff work with. */
export interface LayersContext {
  readonly pool: ChildPool;
  readonly temporaryDirectory: string;
  readonly logger: Logger;
  readonly maxEntries: number;
  readonly expansion: ExpansionLimits;
  readonly processors: readonly StreamProcessor[];
}
