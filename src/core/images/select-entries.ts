import type { ContentSelection } from '#/core/images/contract.ts';
import { noSuchPlatform } from '#/core/images/read-image.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { isAttestation, type ImageIndex } from '#/oci/manifest.ts';
import { hostPlatform, rankPlatform, type Platform } from '#/oci/platform.ts';

export interface SelectedEntry {
  readonly entry: Descriptor;
  /** False: manifest and config only. */
  readonly whole: boolean;
}

export interface EntrySelection extends ContentSelection {
  /** The image, in errors. */
  readonly what: string;
  /** Entries that name no platform count beside those that do, not only in their stead. */
  readonly lenient?: boolean;
}

/** The entries of an index that are wanted, each once. Throws `not-found` when there is none for a platform. */
export function selectEntries(index: ImageIndex, selection: EntrySelection): SelectedEntry[] {
  const { platforms = [hostPlatform()], allMetadata = false, manifestLimit = 0, lenient = false } = selection;
  const entries = [...new Map(index.manifests.map((entry) => [entry.digest, entry])).values()];
  const unnamed = entries.filter((entry) => entry.platform === undefined && !isAttestation(entry));
  const best = platforms.flatMap((platform) => {
    const found = bestFor(entries, platform);
    if (found.length === 0 && unnamed.length === 0) throw noSuchPlatform(selection.what, index, platform);
    return found.length === 0 ? unnamed : found;
  });
  const chosen = new Set(platforms.length === 0 ? entries : lenient ? [...best, ...unnamed] : best);
  const selected = [
    ...[...chosen].map((entry) => ({ entry, whole: true })),
    ...entries.filter((entry) => allMetadata && !chosen.has(entry)).map((entry) => ({ entry, whole: false })),
  ];
  return manifestLimit > 0 ? selected.slice(0, manifestLimit) : selected;
}

/** Those for exactly the platform; where there is none, the best that runs on it. */
function bestFor(entries: readonly Descriptor[], wanted: Platform): Descriptor[] {
  const ranked = entries.flatMap((entry) => {
    const rank =
      isAttestation(entry) || entry.platform === undefined ? undefined : rankPlatform(wanted, entry.platform);
    return rank === undefined ? [] : [{ entry, rank }];
  });
  const [first] = ranked.toSorted((a, b) => a.rank - b.rank);
  if (first === undefined) return [];
  return first.rank === 0 ? ranked.filter(({ rank }) => rank === 0).map(({ entry }) => entry) : [first.entry];
}
