import { EngineError, isKind } from '#/base/errors.ts';
import { parseTime } from '#/base/clock.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { ResolvedImage } from '#/core/images/contract.ts';
import type { Engine } from '#/engine/open-engine.ts';
import { listRecords } from '#/engine/find-container.ts';
import { findEngineContainer } from '#/engine/container-record.ts';
import type { Digest } from '#/oci/digest.ts';
import { matchesLabels, queryFilters, type Handler } from '#/api/docker/call.ts';
import { imageSize } from '#/api/docker/images/image-size.ts';
import { namesOf, type ImageNames } from '#/api/docker/images/image-names.ts';

const known = ['before', 'dangling', 'label', 'reference', 'since', 'until'];

interface ListedImage extends ImageNames {
  readonly digest: Digest;
  readonly created: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly size: number;
}

/** One row per target, with all its names. An image that has nothing for this platform is shown with no size. */
export const listImages: Handler = async ({ engine, namespace, query, answer }) => {
  const filters = queryFilters(query, known);
  const byTarget = Map.groupBy(engine.images.list(namespace), ({ target }) => target.digest);
  const all = await Promise.all([...byTarget.values()].map((records) => describe(engine, namespace, records)));
  const rows = all.filter((image) => passes(image, filters, all)).sort((a, b) => b.created - a.created);
  answer.send(
    200,
    rows.map((image) => row(image, usersOf(engine, namespace, image.digest))),
  );
};

async function describe(engine: Engine, namespace: string, records: readonly ImageRecord[]): Promise<ListedImage> {
  const [first] = records;
  if (first === undefined) throw new EngineError('internal', 'Cannot list an image without names');
  const resolved = await resolveHere(engine, namespace, first);
  const created = parseTime(resolved?.config.created ?? '') ?? first.createdAt;
  return {
    digest: first.target.digest,
    created: Number(created / 1_000_000_000n),
    labels: resolved?.config.config.Labels ?? {},
    size: resolved === undefined ? 0 : await imageSize(engine, namespace, resolved),
    ...namesOf(records),
  };
}

async function resolveHere(
  engine: Engine,
  namespace: string,
  { target }: ImageRecord,
): Promise<ResolvedImage | undefined> {
  try {
    return await engine.images.resolve(namespace, target);
  } catch (error) {
    if (isKind(error, 'not-found') || isKind(error, 'invalid-argument')) return undefined;
    throw error;
  }
}

function usersOf(engine: Engine, namespace: string, digest: Digest): number {
  return listRecords(engine, namespace).filter(
    (core) => findEngineContainer(namespace, core)?.record.imageId === digest,
  ).length;
}

function row(image: ListedImage, containers: number): object {
  return {
    Id: image.digest,
    ParentId: '',
    RepoTags: image.tags,
    RepoDigests: image.digests,
    Created: image.created,
    Size: image.size,
    SharedSize: -1,
    VirtualSize: image.size,
    Labels: image.labels,
    Containers: containers,
  };
}

type Filters = ReadonlyMap<string, readonly string[]>;

function passes(image: ListedImage, filters: Filters, all: readonly ListedImage[]): boolean {
  const any = (name: string, test: (value: string) => boolean): boolean => {
    const values = filters.get(name);
    return values === undefined || values.length === 0 || values.some(test);
  };
  return (
    matchesLabels(image.labels, filters.get('label')) &&
    any('dangling', (text) => (image.tags.length === 0) === ['true', '1'].includes(text)) &&
    any('reference', (text) => [...image.tags, ...image.digests].some((name) => matchesPattern(name, text))) &&
    any('before', (text) => image.created < createdOf(all, text)) &&
    any('since', (text) => image.created > createdOf(all, text)) &&
    any('until', (text) => image.created < Number((parseTime(text) ?? 0n) / 1_000_000_000n))
  );
}

/** `busybox`, `busybox:*`, `*\/app:v?`: a glob over the whole name, or over it without its tag. */
function matchesPattern(name: string, pattern: string): boolean {
  const glob = new RegExp(
    `^${pattern
      .slice(0, 256)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  );
  return glob.test(name) || glob.test(name.replace(/(?::[^/:]+|@.+)$/, ''));
}

function createdOf(all: readonly ListedImage[], text: string): number {
  const found = all.find(
    ({ digest, tags }) =>
      tags.includes(text) ||
      tags.includes(`${text}:latest`) ||
      digest.startsWith(text) ||
      digest.slice(7).startsWith(text),
  );
  if (found === undefined) throw new EngineError('not-found', `No such image: ${text}`);
  return found.created;
}
