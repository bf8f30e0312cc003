import { EngineError } from '#/base/errors.ts';
import { isDigest } from '#/oci/digest.ts';
import { hostPlatform, parsePlatform } from '#/oci/platform.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  parseReference,
  type Reference,
} from '#/oci/reference.ts';
import type { Handler } from '#/api/docker/call.ts';
import { layerProgress, progressStream } from '#/api/docker/images/progress.ts';
import { registryAuth } from '#/api/docker/images/registry-auth.ts';

/** `POST /images/create`: pulls. Importing a root file system (`fromSrc`) is not there yet and says so. */
export const pullImage: Handler = async ({ engine, namespace, query, request, answer, signal }) => {
  if (query.get('fromSrc'))
    throw new EngineError(
      'unimplemented',
      'Cannot import a root file system: berth has no import yet; use load for image archives',
    );
  const reference = readReference(query.get('fromImage') ?? '', query.get('tag') ?? '');
  const wanted = query.get('platform') ?? '';
  const platform = wanted === '' ? hostPlatform() : parsePlatform(wanted);
  const credentials = registryAuth(request);
  const progress = progressStream(answer);
  const before = engine.images.list(namespace).find(({ name }) => name === formatReference(reference))?.target.digest;
  await progress.run(async () => {
    const toLine = layerProgress(progress.tell);
    const image = await engine.images.pull(namespace, {
      reference,
      platforms: [platform],
      unpacks: [{ platform, snapshotter: engine.snapshotter }],
      signal,
      ...(credentials === undefined ? {} : { access: { credentials } }),
      onProgress: (step) => {
        if (step.kind === 'resolved')
          progress.tell({
            status: `Pulling from ${familiarRepository(reference)}`,
            id: reference.tag ?? reference.digest ?? '',
          });
        toLine(step);
      },
    });
    const changed = image.target.digest !== before;
    progress.tell({ status: `Digest: ${image.target.digest}` });
    const outcome = changed ? 'Downloaded newer image for' : 'Image is up to date for';
    progress.tell({ status: `Status: ${outcome} ${familiarReference(reference)}` });
    engine.bus.publish({
      namespace,
      type: 'image',
      action: 'pull',
      id: familiarReference(reference),
      attributes: { name: familiarRepository(reference) },
    });
  });
};

function readReference(fromImage: string, tag: string): Reference {
  if (tag === '' || fromImage.includes('@')) return parseReference(fromImage);
  return parseReference(isDigest(tag) ? `${fromImage}@${tag}` : `${fromImage}:${tag}`);
}
