import { resolve } from 'node:path';
import type { ContainerConfig, HostConfig } from '#/client/container-payloads.ts';
import { boolean, list, number, text, type FlagsFor } from '#/cli/flags.ts';
import { readLabels, readVariables, readVariablesFiles } from '#/cli/key-values.ts';
import { parseBytes, parseCpus } from '#/cli/quantities.ts';
import { UsageError } from '#/cli/usage-error.ts';

export interface ContainerFlags {
  readonly attach: readonly string[];
  readonly 'cap-add': readonly string[];
  readonly 'cap-drop': readonly string[];
  readonly cidfile: string | undefined;
  readonly cpus: string | undefined;
  readonly entrypoint: string | undefined;
  readonly env: readonly string[];
  readonly 'env-file': readonly string[];
  readonly hostname: string | undefined;
  readonly init: boolean;
  readonly interactive: boolean;
  readonly label: readonly string[];
  readonly 'label-file': readonly string[];
  readonly memory: string | undefined;
  readonly name: string | undefined;
  readonly net: string | undefined;
  readonly network: string | undefined;
  readonly 'pids-limit': number | undefined;
  readonly platform: string | undefined;
  readonly privileged: boolean;
  readonly pull: string | undefined;
  readonly quiet: boolean;
  readonly 'read-only': boolean;
  readonly rm: boolean;
  readonly runtime: string | undefined;
  readonly 'stop-signal': string | undefined;
  readonly 'stop-timeout': number | undefined;
  readonly tty: boolean;
  readonly user: string | undefined;
  readonly volume: readonly string[];
  readonly workdir: string | undefined;
}

/** What `run` and `create` both take. */
export const containerFlags: FlagsFor<ContainerFlags> = {
  attach: list('a', 'STREAM', 'Attach to stdin, stdout or stderr only'),
  'cap-add': list('', 'CAP', 'Add a Linux capability'),
  'cap-drop': list('', 'CAP', 'Drop a Linux capability'),
  cidfile: text('', 'FILE', 'Write the container’s id to a file, which must not exist'),
  cpus: text('', 'NUMBER', 'Number of CPUs, with decimals'),
  entrypoint: text('', 'COMMAND', 'Replace the image’s entrypoint'),
  env: list('e', 'KEY=VALUE', 'Set an environment variable; KEY alone passes on this shell’s'),
  'env-file': list('', 'FILE', 'Read environment variables from a file'),
  hostname: text('h', 'NAME', 'Host name inside the container'),
  init: boolean('', 'Run an init that reaps processes, if the daemon has one'),
  interactive: boolean('i', 'Keep standard input open'),
  label: list('l', 'KEY=VALUE', 'Set a label'),
  'label-file': list('', 'FILE', 'Read labels from a file'),
  memory: text('m', 'SIZE', 'Memory limit, such as 512m'),
  name: text('', 'NAME', 'Name of the container'),
  net: text('', 'NETWORK', 'The same as --network'),
  network: text('', 'NETWORK', 'Network to join: host or none'),
  'pids-limit': number('', 'COUNT', 'Most processes at once (-1 for no limit)'),
  platform: text('', 'PLATFORM', 'Platform of the image, such as linux/arm64'),
  privileged: boolean('', 'Give all capabilities and devices of the host'),
  pull: text('', 'WHEN', 'Pull the image: always, missing (the default) or never'),
  quiet: boolean('q', 'Pull without showing progress'),
  'read-only': boolean('', 'Mount the root file system read-only'),
  rm: boolean('', 'Remove the container when it ends'),
  runtime: text('', 'NAME', 'Runtime, by its name in the daemon’s configuration'),
  'stop-signal': text('', 'SIGNAL', 'Signal that stops the container'),
  'stop-timeout': number('', 'SECONDS', 'Time between that signal and the kill'),
  tty: boolean('t', 'Give the container a terminal'),
  user: text('u', 'USER[:GROUP]', 'User, by name or id'),
  volume: list('v', 'SOURCE:TARGET[:OPTIONS]', 'Bind a path of the host into the container'),
  workdir: text('w', 'DIR', 'Working directory'),
};

export type PullPolicy = 'always' | 'missing' | 'never';
type Environment = Readonly<Record<string, string | undefined>>;

export interface ContainerPlan {
  readonly config: ContainerConfig;
  readonly name: string | undefined;
  readonly platform: string | undefined;
  readonly pull: PullPolicy;
  readonly quiet: boolean;
  readonly cidFile: string | undefined;
}

export interface PlanInput {
  readonly flags: ContainerFlags;
  readonly args: readonly string[];
  readonly detach: boolean;
  readonly env: Environment;
}

/** Flags → request. Reads the files that the flags name; throws UsageError before anything was asked of the daemon. */
export async function planContainer({ flags, args, detach, env }: PlanInput): Promise<ContainerPlan> {
  const [image = '', ...words] = args;
  const streams = chooseStreams(flags, detach);
  const variables = [...(await readVariablesFiles(flags['env-file'], env)), ...readVariables(flags.env, env)];
  const labels = readLabels([...(await readVariablesFiles(flags['label-file'], {})), ...flags.label]);
  const { binds, volumes } = sortVolumes(flags.volume);
  const config = {
    Image: image,
    ...(words.length === 0 ? {} : { Cmd: words }),
    ...(flags.entrypoint === undefined ? {} : { Entrypoint: [flags.entrypoint] }),
    Env: variables,
    Labels: labels,
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && streams.stdin,
    AttachStdin: streams.stdin,
    AttachStdout: streams.stdout,
    AttachStderr: streams.stderr,
    ...given('Hostname', flags.hostname),
    ...given('User', flags.user),
    ...given('WorkingDir', flags.workdir),
    ...given('StopSignal', flags['stop-signal']),
    ...given('StopTimeout', flags['stop-timeout']),
    ...(volumes.length === 0 ? {} : { Volumes: Object.fromEntries(volumes.map((target) => [target, {}])) }),
    HostConfig: hostConfig(flags, binds),
  };
  return {
    config,
    name: flags.name,
    platform: flags.platform,
    pull: pullPolicy(flags.pull ?? 'missing'),
    quiet: flags.quiet,
    cidFile: flags.cidfile,
  };
}

function hostConfig(flags: ContainerFlags, binds: readonly string[]): HostConfig {
  return {
    Binds: binds,
    AutoRemove: flags.rm,
    Privileged: flags.privileged,
    ReadonlyRootfs: flags['read-only'],
    CapAdd: flags['cap-add'],
    CapDrop: flags['cap-drop'],
    ...given('NetworkMode', flags.network ?? flags.net),
    ...given('ContainerIDFile', flags.cidfile),
    ...given('Runtime', flags.runtime),
    ...given('PidsLimit', flags['pids-limit']),
    ...given('Memory', flags.memory === undefined ? undefined : parseBytes('--memory', flags.memory)),
    ...given('NanoCpus', flags.cpus === undefined ? undefined : parseCpus('--cpus', flags.cpus)),
    ...(flags.init ? { Init: true } : {}),
  };
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

function chooseStreams({ attach, interactive }: ContainerFlags, detach: boolean): Streams {
  const wanted = new Set(attach.map((stream) => stream.toLowerCase()));
  for (const stream of wanted)
    if (!['stdin', 'stdout', 'stderr'].includes(stream))
      throw new UsageError(`flag "--attach" takes stdin, stdout or stderr, not ${JSON.stringify(stream)}`);
  if (detach && wanted.size > 0) throw new UsageError('"--attach" and "--detach" exclude each other');
  if (detach) return { stdin: false, stdout: false, stderr: false };
  if (wanted.size === 0) return { stdin: interactive, stdout: true, stderr: true };
  return { stdin: wanted.has('stdin'), stdout: wanted.has('stdout'), stderr: wanted.has('stderr') };
}

/** A target alone is an anonymous volume; a source with a leading dot is a path from here. */
function sortVolumes(words: readonly string[]): { binds: string[]; volumes: string[] } {
  const binds: string[] = [];
  const volumes: string[] = [];
  for (const word of words) {
    const [source = '', ...rest] = word.split(':');
    if (source === '' || rest.some((part) => part === '') || rest.length > 2)
      throw new UsageError(`${JSON.stringify(word)} is no volume: expected SOURCE:TARGET or SOURCE:TARGET:OPTIONS`);
    if (rest.length === 0) volumes.push(source);
    else binds.push([source.startsWith('.') ? resolve(source) : source, ...rest].join(':'));
  }
  return { binds, volumes };
}

function pullPolicy(word: string): PullPolicy {
  if (word === 'always' || word === 'missing' || word === 'never') return word;
  throw new UsageError(`flag "--pull" is always, missing or never, not ${JSON.stringify(word)}`);
}
