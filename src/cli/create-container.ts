import { writeFile } from 'node:fs/promises';
import { EngineError, errnoOf, isKind, messageOf } from '#/base/errors.ts';
import type { Client } from '#/client/client.ts';
import type { Context } from '#/cli/command.ts';
import type { ContainerPlan } from '#/cli/container-flags.ts';
import { visible } from '#/cli/render/text-width.ts';

/** Creates the container, pulling its image as the plan says. Warnings go to standard error. The new id. */
export async function createContainer(context: Context, client: Client, plan: ContainerPlan): Promise<string> {
  if (plan.config.HostConfig?.Init === true) await requireInit(client);
  if (plan.cidFile !== undefined) await reserveIdFile(plan.cidFile);
  if (plan.pull === 'always') await pull(context, client, plan);
  const created = await createOrPull(context, client, plan);
  for (const warning of created.Warnings ?? []) context.err.line(`WARNING: ${visible(warning)}`);
  if (plan.cidFile !== undefined) await writeFile(plan.cidFile, created.Id);
  return created.Id;
}

async function createOrPull(
  context: Context,
  client: Client,
  plan: ContainerPlan,
): Promise<Awaited<ReturnType<Client['containers']['create']>>> {
  const create = (): ReturnType<Client['containers']['create']> =>
    client.containers.create(plan.config, { name: plan.name, platform: plan.platform });
  try {
    return await create();
  } catch (error) {
    if (!isKind(error, 'not-found') || plan.pull !== 'missing' || !/no such image/i.test(messageOf(error))) throw error;
    context.err.line(`Unable to find image '${plan.config.Image}' locally`);
    await pull(context, client, plan);
    return create();
  }
}

async function pull(context: Context, client: Client, plan: ContainerPlan): Promise<void> {
  const { pullImage } = await import('#/cli/pull-image.ts');
  const { Image: image } = plan.config;
  await pullImage({ client, image, platform: plan.platform, quiet: plan.quiet, output: context.err, env: context.env });
}

/** A daemon that cannot would start the container without an init, and say nothing. */
async function requireInit(client: Client): Promise<void> {
  const { InitBinary: init } = await client.system.info();
  if (typeof init !== 'string' || init === '')
    throw new EngineError('unimplemented', 'Cannot use "--init": this daemon has no init program for containers');
}

async function reserveIdFile(path: string): Promise<void> {
  try {
    await writeFile(path, '', { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST')
      throw new EngineError('already-exists', `Cannot write the id file "${path}": it exists; remove it first`);
    throw new EngineError('invalid-argument', `Cannot write the id file "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
