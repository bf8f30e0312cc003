import type { CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { ctrGlobalFlags, withOuterFlags } from '#/cli/ctr/ctr-globals.ts';
import { ctrTree, type CtrGroup, type CtrNode } from '#/cli/ctr/ctr-tree.ts';
import type { FlagSpecs } from '#/cli/flags.ts';
import { columns, flagRows, heading, helpStyle, wrap, type HelpStyle } from '#/cli/help.ts';

const usual = (): HelpStyle => helpStyle(process.env);

export function ctrProgramHelp(style: HelpStyle = usual()): string {
  const bold = heading(style);
  return sections([
    'berth ctr works on containerd’s own things: images, blobs, snapshots, containers, tasks. It takes what ctr takes.',
    `${bold('Usage')}  berth ctr [OPTIONS] COMMAND [ARG...]`,
    `${bold('Commands')}\n${columns(rowsOf(ctrTree), style)}`,
    `${bold('Options, before or after the command')}\n${columns(flagRows(ctrGlobalFlags), style)}`,
    `Run 'berth ctr COMMAND --help' to learn more of a command.`,
  ]);
}

export function ctrGroupHelp(title: string, group: CtrGroup, style: HelpStyle = usual()): string {
  const bold = heading(style);
  const options =
    Object.keys(group.flags).length === 0 ? [] : [`${bold('Options')}\n${columns(flagRows(group.flags), style)}`];
  return sections([
    group.about,
    `${bold('Usage')}  ${title} COMMAND [OPTIONS] [ARG...]`,
    ...alsoCalled(title, group.aliases, style),
    `${bold('Commands')}\n${columns(rowsOf(group.children), style)}`,
    ...options,
    `Run '${title} COMMAND --help' for the options of a command.`,
  ]);
}

export function ctrCommandHelp(
  title: string,
  command: CtrCommand,
  outer: readonly FlagSpecs[],
  style: HelpStyle = usual(),
): string {
  const bold = heading(style);
  const all = withOuterFlags(command.flags, ...outer);
  const isOwn = (name: string): boolean => !Object.hasOwn(ctrGlobalFlags, name) || Object.hasOwn(command.flags, name);
  const own = Object.fromEntries(Object.entries(all).filter(([name]) => isOwn(name)));
  const inherited = Object.fromEntries(Object.entries(all).filter(([name]) => !isOwn(name)));
  return sections([
    wrap(command.about, style.width).join('\n'),
    `${bold('Usage')}  ${title} ${command.usage}`,
    ...(Object.keys(own).length === 0 ? [] : [`${bold('Options')}\n${columns(flagRows(own), style)}`]),
    `${bold('Global options')}\n${columns(flagRows(inherited), style)}`,
    ...(command.examples === undefined
      ? []
      : [`${bold('Examples')}\n${command.examples.map((line) => `  ${line}`).join('\n')}`]),
  ]);
}

const sections = (parts: readonly string[]): string => `${parts.join('\n\n')}\n`;

function rowsOf(children: Readonly<Record<string, CtrNode>>): (readonly [string, string])[] {
  return Object.entries(children).map(([name, { aliases, about }]) => [[name, ...aliases].join(', '), about]);
}

function alsoCalled(title: string, aliases: readonly string[], style: HelpStyle): string[] {
  if (aliases.length === 0) return [];
  const parent = title.slice(0, title.lastIndexOf(' '));
  return [`${heading(style)('Also called')}  ${aliases.map((alias) => `${parent} ${alias}`).join(', ')}`];
}
