import type { Command } from '#/cli/command.ts';
import { commandGroups, commandTable, subprograms, type Section } from '#/cli/command-table.ts';
import type { FlagSpec, FlagSpecs } from '#/cli/flags.ts';
import { withGlobalFlags, globalFlags } from '#/cli/globals.ts';

export interface HelpStyle {
  readonly colour: boolean;
  readonly width: number;
}

/** Bold headings on a terminal, unless NO_COLOR says not to. */
export function helpStyle(env: Readonly<Record<string, string | undefined>>): HelpStyle {
  const { isTTY, columns: width } = process.stdout;
  return { colour: isTTY && (env['NO_COLOR'] ?? '') === '', width: isTTY ? width : 100 };
}

const sections: readonly Section[] = ['Run', 'Containers', 'Images', 'Registries', 'System'];

export function programHelp(style: HelpStyle): string {
  const bold = heading(style);
  const parts = [
    'berth runs containers: a dockerless container engine that speaks Docker’s own protocols',
    `${bold('Usage')}  berth [OPTIONS] COMMAND [ARG...]`,
    ...sections.map((section) => {
      const rows = Object.entries(commandTable).filter(([, entry]) => entry.section === section);
      return `${bold(section)}\n${columns(
        rows.map(([name, { about }]) => [name, about]),
        style,
      )}`;
    }),
    `${bold('Options, before or after the command')}\n${columns(flagRows(globalFlags), style)}`,
    `${bold('Environment')}\n${columns(environment, style)}`,
    `${bold('Other tools’ command lines')}\n${columns(
      Object.entries(subprograms).map(([name, { about }]) => [name, about]),
      style,
    )}`,
    `Grouped names work too (${Object.keys(commandGroups)
      .map((group) => `berth ${group} …`)
      .join(', ')}).\nRun 'berth COMMAND --help' for the options of a command.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const environment: readonly Row[] = [
  ['BERTH_STATE', 'State directory of the daemon to talk to'],
  ['BERTH_ROOT', 'Root directory that a berthd started by berth gets'],
  ['DOCKER_HOST', 'Another daemon’s socket, as unix:///path/to.sock'],
  ['DOCKER_CONFIG', 'Directory of config.json with registry credentials (default "~/.docker")'],
];

export function groupHelp(group: string, style: HelpStyle): string {
  const rows = Object.entries(commandGroups[group] ?? {}).map(([name, target]): Row => {
    return [name, commandTable[target.name]?.about ?? ''];
  });
  const bold = heading(style);
  const usage = `${bold('Usage')}  berth ${group} COMMAND [OPTIONS] [ARG...]`;
  return `${usage}\n\n${bold('Commands')}\n${columns(rows, style)}\n\nRun 'berth ${group} COMMAND --help' for the options of a command.\n`;
}

export function commandHelp(title: string, command: Command, style: HelpStyle): string {
  const bold = heading(style);
  const all = withGlobalFlags(command.flags);
  const own = Object.fromEntries(Object.entries(all).filter(([name]) => name in command.flags));
  const inherited = Object.fromEntries(Object.entries(all).filter(([name]) => !(name in command.flags)));
  const parts = [wrap(command.about, style.width).join('\n'), `${bold('Usage')}  ${title} ${command.usage}`];
  if (Object.keys(own).length > 0) parts.push(`${bold('Options')}\n${columns(flagRows(own), style)}`);
  parts.push(`${bold('Global options')}\n${columns(flagRows(inherited), style)}`);
  if (command.examples !== undefined)
    parts.push(`${bold('Examples')}\n${command.examples.map((line) => `  ${line}`).join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}

export function heading({ colour }: HelpStyle): (text: string) => string {
  return (text) => (colour ? `\u001B[1m${text}\u001B[0m` : `${text}:`);
}

type Row = readonly [string, string];

export function flagRows(specs: FlagSpecs): Row[] {
  return Object.entries(specs)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, spec]) => [flagName(name, spec), spec.about + (spec.kind === 'list' ? ' (repeatable)' : '')]);
}

function flagName(name: string, spec: FlagSpec): string {
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  return `${short}--${name}${spec.kind === 'boolean' ? '' : ` ${spec.value}`}`;
}

const widestLeft = 34;

/** Two columns; the right one is wrapped to the width there is. */
export function columns(rows: readonly Row[], { width }: HelpStyle): string {
  const left = Math.min(widestLeft, Math.max(...rows.map(([name]) => name.length)));
  const room = Math.max(20, width - left - 5);
  return rows
    .map(([name, about]) => {
      const [first = '', ...more] = wrap(about, room);
      const lines =
        name.length > left ? [`  ${name}`, `  ${' '.repeat(left)}  ${first}`] : [`  ${name.padEnd(left)}  ${first}`];
      return [...lines, ...more.map((line) => `  ${' '.repeat(left)}  ${line}`)].join('\n');
    })
    .join('\n');
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
