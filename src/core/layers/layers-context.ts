import type { Logger } from '#/base/log.ts';
import type { ChildPool } from '#/core/layers/child-pool.ts';

/** What apply and diff work with. */
export interface LayersContext {
  readonly pool: ChildPool;
  readonly temporaryDirectory: string;
  readonly logger: Logger;
  readonly maxEntries: number;
}
