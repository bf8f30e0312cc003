import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';

/** How the owners below a snapshot are to look from a user namespace: `container:host:size`, several joined by commas. */
export interface IdMapping {
  readonly uids: string;
  readonly gids: string;
  /** Who root of the container is on the host. */
  readonly rootUid: number;
  readonly rootGid: number;
}

const uidLabel = 'containerd.io/snapshot/uidmapping';
const gidLabel = 'containerd.io/snapshot/gidmapping';

export const mappingLabels = (uids: string, gids: string): Labels => ({ [uidLabel]: uids, [gidLabel]: gids });

/** The mapping that labels ask for; undefined for none. Throws `invalid-argument` for half of one, or one without root. */
export function readIdMapping(labels: Labels): IdMapping | undefined {
  const [uids, gids] = [labels[uidLabel], labels[gidLabel]];
  if (uids === undefined && gids === undefined) return undefined;
  if (uids === undefined || gids === undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot map owners with label "${uids === undefined ? gidLabel : uidLabel}" alone; give "${uidLabel}" and "${gidLabel}"`,
    );
  return { uids, gids, rootUid: hostIdOfRoot(uidLabel, uids), rootGid: hostIdOfRoot(gidLabel, gids) };
}

function hostIdOfRoot(label: string, mapping: string): number {
  const ranges = mapping
    .split(',')
    .map((range) => /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(range)?.slice(1).map(Number));
  if (ranges.includes(undefined))
    throw new EngineError(
      'invalid-argument',
      `Cannot map owners by label "${label}": "${mapping}" is no list of container:host:size`,
    );
  const host = ranges.find((range) => range?.[0] === 0 && (range[2] ?? 0) > 0)?.[1];
  if (host !== undefined) return host;
  throw new EngineError('invalid-argument', `Cannot map owners by label "${label}": "${mapping}" does not map root`);
}
