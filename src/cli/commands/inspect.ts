import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import type { Client } from '#/client/client.ts';
import { formatJson } from '#/client/json-text.ts';
import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { compileTemplate } from '#/cli/template/template.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  about: 'Show all that is known of containers and images',
  examples: ["berth inspect -f '{{.State.Status}}' web", "berth inspect -f '{{json .Config}}' busybox"],
  flags: {
    format: text('f', 'FORMAT', 'json, or a template such as "{{.State.Status}}"'),
    size: boolean('s', 'Show the sizes of containers as well'),
    type: text('', 'KIND', 'Look for a container or an image only'),
  },
  arity: atLeast(1),
  run: async ({ context, flags, args }) => {
    const { type, size } = flags;
    if (type !== undefined && type !== 'container' && type !== 'image')
      throw new UsageError(`flag "--type" is container or image, not ${JSON.stringify(type)}`);
    const template = flags.format === undefined || flags.format === 'json' ? undefined : compileTemplate(flags.format);
    const client = await context.connect();
    const found: unknown[] = [];
    const failures: string[] = [];
    for (const name of args) {
      try {
        found.push(await lookUp(client, name, { type, size }));
      } catch (error) {
        if (!isKind(error, 'not-found')) throw error;
        failures.push(messageOf(error));
      }
    }
    if (template !== undefined) for (const value of found) context.out.line(template.render(value));
    else if (flags.format === 'json') context.out.line(formatJson(found));
    else context.out.line(formatJson(found, '    '));
    for (const failure of failures) context.err.line(failure);
    return failures.length > 0 ? 1 : 0;
  },
});

interface LookUp {
  readonly type: 'container' | 'image' | undefined;
  readonly size: boolean;
}

async function lookUp(client: Client, name: string, { type, size }: LookUp): Promise<unknown> {
  if (type === 'container') return client.containers.inspect(name, { size });
  if (type === 'image') return client.images.inspect(name);
  const container = await unlessMissing(client.containers.inspect(name, { size }));
  const found = container ?? (await unlessMissing(client.images.inspect(name)));
  if (found === undefined) throw new EngineError('not-found', `Error: No such object: ${name}`);
  return found;
}

async function unlessMissing<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}
