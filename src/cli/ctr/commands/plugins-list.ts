import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Introspection, type Plugin } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import type { Platform } from '#/gen/containerd/types/platform_pb.ts';
import { formatPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'List the parts of the daemon, and whether they work',
  examples: ["berth ctr plugins ls 'type~=snapshotter'"],
  flags: {
    quiet: boolean('q', 'Only show ids'),
    detailed: boolean('d', 'Show all that is known of each'),
  },
  arity: atLeast(0),
  run: async ({ flags, args, out, connect }) => {
    const client = await connect();
    const { plugins } = await client.call(Introspection.method.plugins, { filters: [...args] });
    if (flags.quiet) return plugins.forEach(({ id }) => out.line(id));
    const rows = flags.detailed ? detailed(plugins) : table(plugins);
    out.text(formatTabbed(rows, tabShapes.wide));
  },
});

function table(plugins: readonly Plugin[]): string[][] {
  const header = ['TYPE', 'ID', 'PLATFORMS', 'STATUS', ''];
  return [
    header,
    ...plugins.map((plugin) => [plugin.type, plugin.id, platformsText(plugin.platforms, '-'), statusOf(plugin), '']),
  ];
}

function statusOf({ initErr }: Plugin): string {
  if (initErr === undefined) return 'ok';
  return initErr.message.includes('skip plugin') ? 'skip' : 'error';
}

function platformsText(platforms: readonly Platform[], none: string): string {
  const texts = platforms.map(({ os, architecture, variant }) => formatPlatform({ os, architecture, variant }));
  return texts.length === 0 ? none : [...new Set(texts)].sort().join(',');
}

function detailed(plugins: readonly Plugin[]): string[][] {
  return plugins.flatMap((plugin, at) => [...(at === 0 ? [] : [['', '', '', '']]), ...facts(plugin)]);
}

function facts({ type, id, requires, platforms, exports, capabilities, initErr }: Plugin): string[][] {
  const exported = Object.keys(exports).sort();
  return [
    ['Type:', ` ${type}`],
    ['ID:', ` ${id}`],
    ...(requires.length === 0 ? [] : [['Requires:', ''], ...requires.map((each) => ['', ` ${each}`])]),
    ...(platforms.length === 0 ? [] : [['Platforms:', ` ${platformsText(platforms, '')}`]]),
    ...(exported.length === 0
      ? []
      : [['Exports:', ''], ...exported.map((key) => ['', ` ${key} `, ` ${exports[key] ?? ''}`])]),
    ...(capabilities.length === 0 ? [] : [['Capabilities:', ` ${capabilities.join(',')}`]]),
    ...(initErr === undefined
      ? []
      : [
          ['Error:', ''],
          ['', ' Code:', ` ${initErr.code}`],
          ['', ' Message:', ` ${initErr.message}`],
        ]),
  ];
}
