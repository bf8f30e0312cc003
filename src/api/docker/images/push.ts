import { EngineError } from '#/base/errors.ts';
import { familiarReference, familiarRepository, formatReference, parseReference } from '#/oci/reference.ts';
import type { Handler } from '#/api/docker/call.ts';
import { layerProgress, progressStream } from '#/api/docker/images/progress.ts';
import { registryAuth } from '#/api/docker/images/registry-auth.ts';
import { readPlatform } from '#/api/docker/images/read-platform.ts';

export const pushImage: Handler = async ({ engine, namespace, path, query, request, answer, signal }) => {
  const tag = query.get('tag') ?? '';
  const name = path[0] ?? '';
  const reference = parseReference(tag === '' ? name : `${name}:${tag}`);
  const image = engine.images.list(namespace).find((entry) => entry.name === formatReference(reference));
  if (image === undefined)
    throw new EngineError('not-found', `An image does not exist locally with the tag: ${familiarReference(reference)}`);
  const credentials = registryAuth(request);
  const platform = readPlatform(query.get('platform'));
  const progress = progressStream(answer);
  await progress.run(async () => {
    progress.tell({ status: `The push refers to repository [${reference.domain}/${reference.path}]` });
    const pushed = await engine.images.push(namespace, {
      name: image.name,
      reference,
      signal,
      ...(platform === undefined ? {} : { platforms: [platform] }),
      ...(credentials === undefined ? {} : { access: { credentials } }),
      onProgress: layerProgress(progress.tell),
    });
    progress.tell({ status: `${reference.tag ?? ''}: digest: ${pushed.digest} size: ${pushed.size}` });
    progress.tell({ aux: { Tag: reference.tag ?? '', Digest: pushed.digest, Size: pushed.size }, progressDetail: {} });
    engine.bus.publish({
      namespace,
      type: 'image',
      action: 'push',
      id: familiarReference(reference),
      attributes: { name: familiarRepository(reference) },
    });
  });
};
