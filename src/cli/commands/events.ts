import { now } from '#/base/clock.ts';
import { formatJson } from '#/client/json-text.ts';
import type { EventMessage } from '#/client/system.ts';
import { defineCommand, noArguments, type Command } from '#/cli/command.ts';
import { list, text } from '#/cli/flags.ts';
import { readFilters } from '#/cli/key-values.ts';
import { parseMoment } from '#/cli/quantities.ts';
import { formatNanoTime } from '#/cli/render/local-time.ts';
import { visible } from '#/cli/render/text-width.ts';
import { compileTemplate } from '#/cli/template/template.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'Watch what happens in the daemon, as it happens',
  examples: ['berth events --filter type=container', "berth events --since 10m --until 0s --format '{{json .}}'"],
  flags: {
    filter: list('f', 'NAME=VALUE', 'Show only what fits, such as event=die'),
    format: text('', 'FORMAT', 'json, or a template such as "{{.Action}}"'),
    since: text('', 'TIME', 'From this time on, or so long ago (10m)'),
    until: text('', 'TIME', 'Up to this time, then end'),
  },
  arity: noArguments,
  run: async ({ context, flags }) => {
    const time = now();
    const since = flags.since === undefined ? undefined : parseMoment('--since', flags.since, time);
    const until = flags.until === undefined ? undefined : parseMoment('--until', flags.until, time);
    const render = renderer(flags.format);
    const filters = readFilters(flags.filter);
    const client = await context.connect();
    for await (const event of await client.system.events({ since, until, filters })) context.out.line(render(event));
  },
});

function renderer(format: string | undefined): (event: EventMessage) => string {
  if (format === undefined || format === '') return formatEvent;
  if (format === 'json') return (event) => formatJson(event);
  const template = compileTemplate(format);
  return (event) => template.render(event);
}

/** `TIME TYPE ACTION ID (key=value, …)`, attributes by name. */
export function formatEvent(event: EventMessage): string {
  const attributes = Object.entries(event.Actor.Attributes ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const time = formatNanoTime(BigInt(event.timeNano ?? (event.time ?? 0) * 1e9));
  const details = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
  return visible(`${time} ${event.Type} ${event.Action} ${event.Actor.ID}${details}`);
}
