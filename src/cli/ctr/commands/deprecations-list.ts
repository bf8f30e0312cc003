import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText, timeText } from '#/cli/ctr/ctr-text.ts';
import { text } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'List what is in use here and will go in a later version of the daemon',
  flags: { format: text('', 'FORMAT', '"default" (a table) or "json"') },
  arity: noArguments,
  run: async ({ flags, out, connect }) => {
    if (!['default', 'json', ''].includes(flags.format ?? ''))
      throw new UsageError(`flag "--format" is default or json, not ${JSON.stringify(flags.format)}`, 1);
    const { deprecations } = await (await connect()).call(Introspection.method.server, {});
    if (deprecations.length === 0) return;
    const warnings = deprecations.map(({ id, message, lastOccurrence }) => {
      return { id, message, lastOccurrence: timeText(lastOccurrence) };
    });
    if (flags.format === 'json') return out.line(jsonText(warnings));
    const rows = warnings.map(({ id, message, lastOccurrence }) => [id, lastOccurrence, message]);
    out.text(formatTabbed([['ID', 'LAST OCCURRENCE', 'MESSAGE', ''], ...rows], tabShapes.wide));
  },
});
