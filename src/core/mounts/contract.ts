/**
 * Active mounts: what a list of mounts needs before a kernel can carry it out, made by the daemon and kept under a name.
 * A loop device, a file system in a file, a directory that must be there, a path that only the mount before it tells.
 *
 * The record comes before the first mount and says until the last one that it is not complete, so the next start undoes
 * what a dead daemon left; complete ones it keeps as long as they are mounted.
 */
import type { Labels } from '#/base/any.ts';
import type { ActivationRecord, StoredMount } from '#/core/metadata/contract.ts';

export interface ActivateOptions {
  readonly labels?: Labels;
  /** Mount everything, so that a bind of the last one is all that is left. */
  readonly temporary?: boolean;
  readonly lease?: string;
  /** Types that the caller mounts itself: `erofs`, or `mkfs/*` for a whole kind of preparation. */
  readonly allow?: readonly string[];
}

export interface Mounts extends AsyncDisposable {
  /** False when the kernel can do with the list as it is. */
  needsActivation(mounts: readonly StoredMount[], options?: ActivateOptions): boolean;
  /** `unimplemented` when nothing needs it, so that the caller mounts as usual; `already-exists` for a taken name. */
  activate(
    namespace: string,
    name: string,
    mounts: readonly StoredMount[],
    options?: ActivateOptions,
  ): Promise<ActivationRecord>;
  /** `not-found` while it is not complete. */
  get(namespace: string, name: string): ActivationRecord;
  list(namespace: string): ActivationRecord[];
  setLabels(namespace: string, name: string, change: (labels: Labels) => Labels): Promise<ActivationRecord>;
  /** Throws `not-found`. */
  deactivate(namespace: string, name: string): Promise<void>;
}
