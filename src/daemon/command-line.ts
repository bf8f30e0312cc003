import { isAbsolute, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError, messageOf } from '#/base/errors.ts';
import { parseLogLevel } from '#/base/log.ts';
import type { ConfigFlags } from '#/daemon/config/daemon-config.ts';

/** What berthd was asked to do. */
export type DaemonCommand =
  | {
      readonly kind: 'serve' | 'config-default' | 'config-dump' | 'config-migrate';
      readonly configPath: string | undefined;
      readonly flags: ConfigFlags;
    }
  | { readonly kind: 'publish'; readonly address: string; readonly namespace: string; readonly topic: string }
  | { readonly kind: 'oci-hook'; readonly args: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

const options = {
  config: { type: 'string', short: 'c' },
  root: { type: 'string' },
  state: { type: 'string' },
  address: { type: 'string', short: 'a' },
  'docker-address': { type: 'string' },
  'log-level': { type: 'string', short: 'l' },
  namespace: { type: 'string' },
  topic: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

export const usage = `berthd: berth's daemon

Usage: berthd [options]
       berthd [options] config default    print the default configuration
       berthd [options] config dump       print the configuration in force, with all that it imports
       berthd [options] config migrate    print the configuration file in its newest form
       berthd --address PATH publish --topic TOPIC --namespace NAME
                                          hand in an event for a shim; it comes on standard input
       berthd oci-hook PROGRAM [ARG...]   run an OCI hook, its arguments filled in from the container's state

  -c, --config FILE         configuration (default /etc/berth/config.toml; may be missing)
      --root DIR            persistent files (default /var/lib/berth)
      --state DIR           sockets, bundles and mounts (default /run/berth)
  -a, --address PATH        gRPC socket (default STATE/berth.sock)
      --docker-address PATH Docker's API (default STATE/docker.sock)
  -l, --log-level LEVEL     trace, debug, info, warn or error (default info)
  -v, --version             print the version
  -h, --help                print this
`;

/** Reads berthd's arguments, which are containerd's and some more. Throws `invalid-argument` for what it does not know. */
export function readCommandLine(args: readonly string[]): DaemonCommand {
  const hook = args.indexOf('oci-hook');
  const { values, positionals } = parse(hook === -1 ? args : args.slice(0, hook));
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  if (hook !== -1 && positionals.length === 0) return hookCommand(args.slice(hook + 1));
  const kind = commandOf(positionals);
  const flags = {
    ...pathFlag('root', values.root),
    ...pathFlag('state', values.state),
    ...pathFlag('address', values.address),
    ...pathFlag('dockerAddress', values['docker-address']),
    ...levelFlag(values['log-level']),
  };
  if (kind === 'publish') return publishCommand(flags.address, values.topic, values.namespace);
  for (const name of ['topic', 'namespace'] as const)
    if (values[name] !== undefined)
      throw new EngineError('invalid-argument', `Cannot use --${name} here: it belongs to "berthd publish"`);
  return { kind, configPath: values.config, flags };
}

function publishCommand(address: string | undefined, topic = '', namespace = ''): DaemonCommand {
  if (address === undefined || topic === '')
    throw new EngineError('invalid-argument', 'Cannot publish: both --address and --topic must be given');
  return { kind: 'publish', address, topic, namespace };
}

function hookCommand(words: readonly string[]): DaemonCommand {
  const args = words[0] === '--' ? words.slice(1) : words;
  if (args.length > 0) return { kind: 'oci-hook', args };
  throw new EngineError('invalid-argument', 'Cannot run a hook: "berthd oci-hook" needs a program to run');
}

function parse(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // Node's second sentence is advice on positional arguments, of which there are none.
    const [why] = messageOf(error).split('. ');
    throw new EngineError(
      'invalid-argument',
      `Cannot read the command line: ${why}; "berthd --help" lists what there is`,
    );
  }
}

type Word = 'serve' | 'config-default' | 'config-dump' | 'config-migrate' | 'publish';

const commands: Readonly<Record<string, Word>> = {
  '': 'serve',
  'config default': 'config-default',
  'config dump': 'config-dump',
  'config migrate': 'config-migrate',
  publish: 'publish',
};

function commandOf(words: readonly string[]): Word {
  const command = words.join(' ');
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (found !== undefined) return found;
  throw new EngineError(
    'invalid-argument',
    `Cannot run "berthd ${command}": there is no such command; "berthd --help" lists what there is`,
  );
}

function pathFlag(name: 'root' | 'state' | 'address' | 'dockerAddress', value: string | undefined): ConfigFlags {
  if (value === undefined) return {};
  if (value === '') throw new EngineError('invalid-argument', `Cannot use an empty path for ${name}`);
  const path = value.replace(/^unix:\/\//, '');
  return { [name]: isAbsolute(path) ? path : resolve(path) };
}

function levelFlag(value: string | undefined): ConfigFlags {
  if (value === undefined) return {};
  const logLevel = parseLogLevel(value);
  if (logLevel !== undefined) return { logLevel };
  throw new EngineError(
    'invalid-argument',
    `Cannot use log level "${value}": levels are trace, debug, info, warn, error`,
  );
}
