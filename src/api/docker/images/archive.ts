import { EngineError } from '#/base/errors.ts';
import type { Handler } from '#/api/docker/call.ts';
import { familiarImage } from '#/api/docker/familiar-image.ts';
import { progressStream } from '#/api/docker/images/progress.ts';
import { streamBody } from '#/api/docker/request-body.ts';
import { readPlatform } from '#/api/docker/images/read-platform.ts';
import { isDigest } from '#/oci/digest.ts';
import { hostPlatform } from '#/oci/platform.ts';

/** `GET /images/get?names=…` and `GET /images/NAME/get`: a tar that is an OCI layout and a docker archive at once. */
export const saveImages: Handler = async ({ engine, namespace, path, query, answer, signal }) => {
  const asked = path[0] === undefined ? query.getAll('names') : [path[0]];
  if (asked.length === 0) throw new EngineError('invalid-argument', 'Cannot save: no image was named');
  const images = await Promise.all(asked.map((name) => engine.images.get(namespace, name)));
  const platform = readPlatform(query.get('platform'));
  const archive = engine.images.export(namespace, {
    names: images.map(({ name }) => name),
    signal,
    ...(platform === undefined ? {} : { platforms: [platform], flatten: true }),
  });
  const stream = answer.stream('application/x-tar');
  for await (const chunk of archive) if (!(await stream.write(chunk))) return;
  stream.end();
  for (const { name, target } of images)
    engine.bus.publish({
      namespace,
      type: 'image',
      action: 'save',
      id: target.digest,
      attributes: { name: familiarImage(name) },
    });
};

/** `POST /images/load`: takes what `save`, skopeo and containerd write, plain or compressed. */
export const loadImages: Handler = async ({ engine, namespace, query, request, answer, signal }) => {
  const platform = readPlatform(query.get('platform'));
  const progress = progressStream(answer);
  await progress.run(async () => {
    const images = await engine.images.import(namespace, {
      archive: streamBody(request),
      unpacks: [{ platform: platform ?? hostPlatform(), snapshotter: engine.snapshotter }],
      signal,
      ...(platform === undefined ? {} : { platforms: [platform] }),
    });
    if (images.length === 0) throw new EngineError('invalid-argument', 'Cannot load: the archive holds no image');
    for (const { name, target } of images) {
      const text = isDigest(name) ? `Loaded image ID: ${name}` : `Loaded image: ${familiarImage(name)}`;
      progress.tell({ stream: `${text}\n` });
      engine.bus.publish({
        namespace,
        type: 'image',
        action: 'load',
        id: target.digest,
        attributes: { name: familiarImage(name) },
      });
    }
  });
};
