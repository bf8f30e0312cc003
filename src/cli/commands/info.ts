import { formatJson } from '#/client/json-text.ts';
import type { InfoAnswer } from '#/client/system.ts';
import { defineCommand, noArguments, type Command } from '#/cli/command.ts';
import { text } from '#/cli/flags.ts';
import { humanBinarySize } from '#/cli/render/human-units.ts';
import { visible } from '#/cli/render/text-width.ts';
import { version } from '#/cli/version-number.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'Show the state of the daemon: what it holds, how it is set up, on what host',
  flags: { format: text('f', 'FORMAT', 'json, or a template such as "{{.Driver}}"') },
  arity: noArguments,
  run: async ({ context, flags }) => {
    const client = await context.connect();
    const info = await client.system.info();
    if (flags.format === undefined) context.out.text(formatInfo(info));
    else if (flags.format === 'json') context.out.line(formatJson(info));
    else {
      const { compileTemplate } = await import('#/cli/template/template.ts');
      context.out.line(compileTemplate(flags.format).render(info));
    }
    for (const warning of listOf(info['Warnings'])) context.err.line(visible(warning));
  },
});

type Line = readonly [label: string, value: string | undefined, depth?: number];

function formatInfo(info: InfoAnswer): string {
  const lines = [...daemonLines(info), ...hostLines(info)];
  const shown = lines.flatMap(([label, value, depth = 0]) =>
    value === undefined ? [] : [`${' '.repeat(depth + 1)}${label}:${value === '' ? '' : ` ${visible(value)}`}\n`],
  );
  return `Client: berth\n Version: ${version}\n\nServer:\n${shown.join('')}`;
}

function daemonLines(info: InfoAnswer): Line[] {
  const runtimes = Object.keys((info['Runtimes'] as object | null | undefined) ?? {});
  return [
    ['Containers', textOf(info['Containers'])],
    ['Running', textOf(info['ContainersRunning']), 1],
    ['Paused', textOf(info['ContainersPaused']), 1],
    ['Stopped', textOf(info['ContainersStopped']), 1],
    ['Images', textOf(info['Images'])],
    ['Server Version', textOf(info['ServerVersion'])],
    ['Storage Driver', textOf(info['Driver'])],
    ...statusLines(info['DriverStatus']),
    ['Logging Driver', textOf(info['LoggingDriver'])],
    ['Cgroup Driver', textOf(info['CgroupDriver'])],
    ['Cgroup Version', textOf(info['CgroupVersion'])],
    ['Runtimes', runtimes.length === 0 ? undefined : runtimes.join(' ')],
    ['Default Runtime', textOf(info['DefaultRuntime'])],
    ['Init Binary', textOf(info['InitBinary'])],
    ['Security Options', listOf(info['SecurityOptions']).join(', ') || undefined],
  ];
}

function hostLines(info: InfoAnswer): Line[] {
  const memory = info['MemTotal'];
  return [
    ['Kernel Version', textOf(info['KernelVersion'])],
    ['Operating System', textOf(info['OperatingSystem'])],
    ['OSType', textOf(info['OSType'])],
    ['Architecture', textOf(info['Architecture'])],
    ['CPUs', textOf(info['NCPU'])],
    ['Total Memory', typeof memory === 'number' ? humanBinarySize(memory) : undefined],
    ['Name', textOf(info['Name'])],
    ['ID', textOf(info['ID'])],
    ['Root Dir', textOf(info['DockerRootDir'])],
    ['Debug Mode', textOf(info['Debug'])],
    ['Insecure Registries', registriesOf(info['RegistryConfig'])],
  ];
}

function statusLines(status: unknown): Line[] {
  if (!Array.isArray(status)) return [];
  return (status as readonly unknown[]).flatMap((pair): Line[] =>
    Array.isArray(pair) && pair.length === 2 ? [[String(pair[0]), String(pair[1]), 1]] : [],
  );
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((part) => typeof part === 'string') : [];
}

function registriesOf(config: unknown): string | undefined {
  if (typeof config !== 'object' || config === null || !('InsecureRegistryCIDRs' in config)) return undefined;
  const indexes = 'IndexConfigs' in config && typeof config.IndexConfigs === 'object' ? config.IndexConfigs : {};
  const hosts = Object.entries(indexes ?? {}).filter(
    ([, index]: [string, { Secure?: boolean }]) => index.Secure === false,
  );
  return [...hosts.map(([host]) => host), ...listOf(config.InsecureRegistryCIDRs)].join(' ') || undefined;
}
