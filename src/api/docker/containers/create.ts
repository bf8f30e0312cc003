import { createContainer } from '#/engine/create.ts';
import type { Handler } from '#/api/docker/call.ts';
import { readCreateBody } from '#/api/docker/containers/read-create.ts';
import { readJson } from '#/api/docker/read-json.ts';

export const create: Handler = async (call) => {
  const { config, hostConfig } = readCreateBody(await readJson(call));
  const created = await createContainer(call.engine, call.namespace, {
    name: (call.query.get('name') ?? '').replace(/^\//, ''),
    platform: call.query.get('platform') ?? '',
    config,
    hostConfig,
  });
  call.answer.send(201, { Id: created.id, Warnings: created.warnings });
};
