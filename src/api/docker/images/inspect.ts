import { formatTime, parseTime } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { ResolvedImage } from '#/core/images/contract.ts';
import type { Engine } from '#/engine/open-engine.ts';
import type { Handler } from '#/api/docker/call.ts';
import { imageSize } from '#/api/docker/images/image-size.ts';
import { namesOf } from '#/api/docker/images/image-names.ts';
import { readPlatform } from '#/api/docker/images/read-platform.ts';

async function getImage(engine: Engine, namespace: string, text: string): Promise<ImageRecord> {
  const image = await engine.images.find(namespace, text);
  if (image === undefined) throw new EngineError('not-found', `No such image: ${text}`);
  return image;
}

export const inspectImage: Handler = async ({ engine, namespace, path, query, answer }) => {
  const image = await getImage(engine, namespace, path[0] ?? '');
  const resolved = await engine.images.resolve(namespace, image.target, readPlatform(query.get('platform')));
  const records = engine.images.list(namespace).filter(({ target }) => target.digest === image.target.digest);
  const { config } = resolved;
  const { tags, digests } = namesOf(records);
  answer.send(200, {
    Id: image.target.digest,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: '',
    Comment: config.history.at(-1)?.comment ?? '',
    Created: config.created ?? formatTime(image.createdAt),
    DockerVersion: '',
    Author: config.author ?? '',
    Config: imageConfig(resolved),
    Architecture: config.platform.architecture,
    ...(config.platform.variant === undefined ? {} : { Variant: config.platform.variant }),
    Os: config.platform.os,
    Size: await imageSize(engine, namespace, resolved),
    GraphDriver: { Name: engine.snapshotter, Data: null },
    RootFS: { Type: 'layers', Layers: config.diffIds },
    Metadata: { LastTagTime: formatTime(image.updatedAt) },
    Descriptor: image.target,
  });
};

function imageConfig({ config }: ResolvedImage): object {
  return {
    User: '',
    Env: null,
    Cmd: null,
    Volumes: null,
    WorkingDir: '',
    Entrypoint: null,
    OnBuild: null,
    Labels: null,
    ...config.config,
  };
}

/** Newest first; each layer's size goes to the history entry that made it. */
export const historyImage: Handler = async ({ engine, namespace, path, query, answer }) => {
  const image = await getImage(engine, namespace, path[0] ?? '');
  const resolved = await engine.images.resolve(namespace, image.target, readPlatform(query.get('platform')));
  const sizes = resolved.manifest.layers.map(({ size }) => size);
  const tags = namesOf(
    engine.images.list(namespace).filter(({ target }) => target.digest === image.target.digest),
  ).tags;
  const rows = resolved.config.history.map((entry) => ({
    Id: '<missing>',
    Created: Number((parseTime(entry.created ?? '') ?? 0n) / 1_000_000_000n),
    CreatedBy: entry.created_by ?? '',
    Tags: null as readonly string[] | null,
    Size: entry.empty_layer === true ? 0 : (sizes.shift() ?? 0),
    Comment: entry.comment ?? '',
  }));
  const newestFirst = rows.reverse();
  answer.send(
    200,
    newestFirst.map((row, at) => (at === 0 ? { ...row, Id: image.target.digest, Tags: tags } : row)),
  );
};
