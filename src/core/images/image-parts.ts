import type { KeyedMutex } from '#/base/keyed-mutex.ts';
import type { Logger } from '#/base/log.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import type { Events } from '#/core/events/contract.ts';
import type { ExpansionLimits } from '#/core/layers/expansion.ts';
import type { Layers } from '#/core/layers/contract.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import type { Registry } from '#/core/registry/contract.ts';
import type { Snapshotters } from '#/core/snapshots/contract.ts';

/** What the operations on images work with. */
export interface ImageParts {
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly snapshotters: Snapshotters;
  readonly layers: Layers;
  readonly registry: Registry;
  readonly events: Events;
  readonly logger: Logger;
  /** One unpack at a time per namespace, snapshotter and chain id. */
  readonly unpacking: KeyedMutex;
  /** Drops what nothing references any more. */
  readonly collect: () => Promise<void>;
  readonly expansion: ExpansionLimits;
  readonly transfers: TransferLimits;
}

export interface TransferLimits {
  /** Of one pull at once. */
  readonly downloads: number;
  /** Of one push at once. */
  readonly uploads: number;
}
