import type { Nanoseconds } from '#/base/clock.ts';
import type { KeyedMutex } from '#/base/keyed-mutex.ts';
import type { Logger } from '#/base/log.ts';
import type { IngestStatus, SharingPolicy } from '#/core/content/contract.ts';
import type { OrphanNotes } from '#/core/content/orphan-notes.ts';
import type { ContentLayout } from '#/core/content/layout.ts';
import type { Metadata } from '#/core/metadata/contract.ts';

/** Who holds a ref. There is no ingest yet while it is being opened. */
export interface RefHolder {
  readonly since: Nanoseconds;
  ingest?: { readonly directory: string; status(): IngestStatus; abandon(): void };
}

/** What the parts of one content store share. */
export interface ContentParts {
  readonly layout: ContentLayout;
  readonly metadata: Metadata;
  readonly logger: Logger;
  readonly sharing: SharingPolicy;
  /** Held, by digest, from looking at a blob file until the record that decides its fate is written. */
  readonly blobs: KeyedMutex;
  /** Blob files that may have lost their last record. */
  readonly orphans: OrphanNotes;
  /** Open ingests by `refKey`. */
  readonly holders: Map<string, RefHolder>;
}

/** Namespaces have no slash, so this is unambiguous. */
export const refKey = (namespace: string, ref: string): string => `${namespace}/${ref}`;
