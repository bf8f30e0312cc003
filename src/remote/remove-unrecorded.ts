import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { BackendSnapshot, SnapshotsClient } from '#/remote/snapshots-client.ts';

export interface Recorded {
  readonly recorded: ReadonlySet<string>;
  readonly logger: Logger;
}

/** Removes what a backend has and no record names, children before parents; what something recorded stands on stays. */
export async function removeUnrecorded(
  client: SnapshotsClient,
  namespace: string,
  { recorded, logger }: Recorded,
): Promise<void> {
  for (const key of findUnrecorded(await client.list(namespace), recorded))
    try {
      await client.remove(namespace, key);
      logger.info('a snapshot without record was removed', { key });
    } catch (error) {
      logger.warn('a snapshot without record could not be removed', { key, error: messageOf(error) });
    }
}

function findUnrecorded(all: readonly BackendSnapshot[], recorded: ReadonlySet<string>): string[] {
  const parents = new Map(all.map(({ key, parent }) => [key, parent]));
  const kept = new Set(all.filter(({ key }) => recorded.has(key)).flatMap(({ key }) => lineOf(key, parents)));
  return all
    .filter(({ key }) => !kept.has(key))
    .map(({ key }) => ({ key, depth: lineOf(key, parents).length }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ key }) => key);
}

/** A snapshot and those below it; one that names itself as its own ancestor ends there. */
function lineOf(key: string, parents: ReadonlyMap<string, string>): string[] {
  const line = new Set<string>();
  for (let at = key; at !== '' && !line.has(at); at = parents.get(at) ?? '') line.add(at);
  return [...line];
}
