import { EngineError } from '#/base/errors.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { isDigest } from '#/oci/digest.ts';
import { parseReference } from '#/oci/reference.ts';
import type { Engine } from '#/engine/open-engine.ts';
import { listRecords } from '#/engine/find-container.ts';
import { isRunning, findEngineContainer } from '#/engine/container-record.ts';
import { queryFlag, type Handler } from '#/api/docker/call.ts';
import { familiarImage } from '#/api/docker/familiar-image.ts';

export const tagImage: Handler = async ({ engine, namespace, path, query, answer }) => {
  const [repo, tag] = [query.get('repo') ?? '', query.get('tag') ?? ''];
  const target = parseReference(tag === '' ? repo : `${repo}:${tag}`);
  if (target.digest !== undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot tag as "${repo}": refusing to create a tag with a digest reference`,
    );
  const image = await engine.images.tag(namespace, path[0] ?? '', target);
  engine.bus.publish({
    namespace,
    type: 'image',
    action: 'tag',
    id: image.target.digest,
    attributes: { name: familiarImage(image.name) },
  });
  answer.send(201);
};

/**
 * `DELETE /images/NAME`: takes a name away; when it was the last one, and no container uses the image, its layers go
 * too. An id removes every name it has, which needs `force` when there are several.
 */
export const removeImage: Handler = async ({ engine, namespace, path, query, answer }) => {
  const asked = path[0] ?? '';
  const force = queryFlag(query, 'force');
  const image = await engine.images.find(namespace, asked);
  if (image === undefined) throw new EngineError('not-found', `No such image: ${asked}`);
  const siblings = engine.images.list(namespace).filter(({ target }) => target.digest === image.target.digest);
  const byId = !named(image, asked);
  const doomed = byId ? siblings : [image];
  if (byId && siblings.length > 1 && !force)
    throw new EngineError(
      'conflict',
      `conflict: unable to delete ${asked} (must be forced) - image is referenced in multiple repositories`,
    );
  if (doomed.length === siblings.length) checkUnused(engine, namespace, { image, asked, force });
  for (const { name } of doomed) await engine.images.remove(namespace, name);
  const { deleted } = await engine.images.collectGarbage();
  const untagged = doomed.map(({ name }) => ({ Untagged: isDigest(name) ? name : familiarImage(name) }));
  for (const { name } of doomed)
    engine.bus.publish({
      namespace,
      type: 'image',
      action: 'untag',
      id: image.target.digest,
      attributes: { name: familiarImage(name) },
    });
  if (doomed.length === siblings.length)
    engine.bus.publish({
      namespace,
      type: 'image',
      action: 'delete',
      id: image.target.digest,
      attributes: { name: image.target.digest },
    });
  answer.send(200, [...untagged, ...deleted.map((digest) => ({ Deleted: digest }))]);
};

/** Whether a person named the image rather than its id. */
function named(image: ImageRecord, asked: string): boolean {
  return familiarImage(image.name) === familiarImage(asked) || image.name === asked;
}

interface Doom {
  readonly image: ImageRecord;
  readonly asked: string;
  readonly force: boolean;
}

/** A running container keeps its image; a stopped one unless the removal is forced. */
function checkUnused(engine: Engine, namespace: string, { image, asked, force }: Doom): void {
  for (const core of listRecords(engine, namespace)) {
    const container = findEngineContainer(namespace, core);
    const uses = container === undefined ? core.image === image.name : container.record.imageId === image.target.digest;
    if (!uses) continue;
    const running = container === undefined ? engine.tasks.has(namespace, core.id) : isRunning(container.state);
    if (running)
      throw new EngineError(
        'conflict',
        `conflict: unable to remove repository reference "${asked}" (cannot be forced) - container ${core.id.slice(0, 12)} is using its referenced image ${image.target.digest.slice(7, 19)}`,
      );
    if (!force)
      throw new EngineError(
        'conflict',
        `conflict: unable to remove repository reference "${asked}" (must force) - container ${core.id.slice(0, 12)} is using its referenced image ${image.target.digest.slice(7, 19)}`,
      );
  }
}
