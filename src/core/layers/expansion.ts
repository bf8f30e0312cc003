/** How much larger than it came an archive may become, so that a small one cannot fill the disk. */
export interface ExpansionLimits {
  /** Uncompressed bytes for each byte; 0: no limit. */
  readonly ratio: number;
  /** Uncompressed bytes in all; 0: no limit. */
  readonly size: number;
}

/** Real layers shrink to a fifth, seldom to a fiftieth. */
export const defaultExpansion: ExpansionLimits = { ratio: 200, size: 2 ** 40 };

/** What is not larger than this uncompressed is no bomb, whatever it came from. */
export const alwaysFine: number = 2 ** 30;

/** The bytes that so many compressed ones may become. */
export function expandedLimit({ ratio, size }: ExpansionLimits, compressed: number): number {
  const byRatio = ratio === 0 ? Number.MAX_SAFE_INTEGER : Math.max(alwaysFine, ratio * compressed);
  return Math.min(byRatio, size === 0 ? Number.MAX_SAFE_INTEGER : size, Number.MAX_SAFE_INTEGER);
}

export const expansionAdvice =
  'if it is meant to be so large, raise max_layer_ratio or max_layer_size in [berth] of the configuration';
