import type { Logger } from '#/base/log.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import type { Events } from '#/core/events/contract.ts';
import type { Garbage } from '#/core/garbage/contract.ts';
import type { Images } from '#/core/images/contract.ts';
import type { Layers } from '#/core/layers/contract.ts';
import type { Mounts } from '#/core/mounts/contract.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import type { Snapshotters } from '#/core/snapshots/contract.ts';
import type { RemoteDiffer } from '#/remote/remote-differ.ts';
import type { Tasks } from '#/core/tasks/contract.ts';

/** Which daemon this is, as clients are told. */
export interface Identity {
  /** With a leading "v", as containerd prints its own. */
  readonly version: string;
  readonly revision: string;
  /** Kept over restarts. */
  readonly uuid: string;
}

/** What containerd's API is a face of. */
export interface ContainerdCore {
  readonly metadata: Metadata;
  readonly events: Events;
  readonly content: ContentStore;
  readonly snapshotters: Snapshotters;
  /** The snapshotter for clients that name none. */
  readonly snapshotter: string;
  readonly layers: Layers;
  /** Who applies and makes layers, in the order in which they are asked; `walking` is our own. Default: that alone. */
  readonly differs?: readonly ('walking' | RemoteDiffer)[];
  /** Whether layers that clients have applied are written to the disk at once, without being asked. */
  readonly syncsLayers?: boolean;
  readonly garbage: Garbage;
  readonly images: Images;
  readonly mounts: Mounts;
  readonly tasks: Tasks;
  /** Those of the restart monitor, if there is one. */
  readonly restartPolicies?: readonly string[];
  readonly identity: Identity;
  /** Where clients put the programs that they take out of images. */
  readonly optDirectory: string;
  readonly logger: Logger;
  /** A directory on the daemon's own disk for files that live as long as one call. */
  readonly temporary: string;
}
