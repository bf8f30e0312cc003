import type { TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';

export interface TaskStats {
  readonly timestamp: Nanoseconds;
  readonly id: string;
  /** `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`. */
  readonly data?: TypedValue;
}
