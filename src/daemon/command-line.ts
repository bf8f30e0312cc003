import { isAbsolute, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError, messageOf } from '#/base/errors.ts';
import { parseLogLevel } from '#/base/log.ts';
import type { DaemonConfig } from '#/daemon/config.ts';

export type DaemonCommand =
  | {
      readonly kind: 'serve' | 'config-default' | 'config-dump';
      readonly configPath: string | undefined;
      readonly flags: Partial<DaemonConfig>;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

const options = {
  config: { type: 'string', short: 'c' },
  root: { type: 'string' },
  state: { type: 'string' },
  address: { type: 'string', short: 'a' },
  'docker-address': { type: 'string' },
  'log-level': { type: 'string', short: 'l' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

export const usage = `berthd: berth's daemon

Usage: berthd [options]
       berthd [options] config default    print the default configuration
       berthd [options] config dump       print the configuration in force

  -c, --config FILE         configuration (default /etc/berth/config.toml; may be missing)
      --root DIR            persistent files (default /var/lib/berth)
      --state DIR           sockets, bundles and mounts (default /run/berth)
  -a, --address PATH        gRPC socket (default STATE/berth.sock)
      --docker-address PATH Docker's API (default STATE/docker.sock)
  -l, --log-level LEVEL     trace, debug, info, warn or error (default info)
  -v, --version             print the version
  -h, --help                print this
`;

/** Reads berthd's arguments. Throws `invalid-argument` for what it does not know. */
export function readCommandLine(args: readonly string[]): DaemonCommand {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const flags = {
    ...pathFlag('root', values.root),
    ...pathFlag('state', values.state),
    ...pathFlag('address', values.address),
    ...pathFlag('dockerAddress', values['docker-address']),
    ...levelFlag(values['log-level']),
  };
  const kind = commandOf(positionals);
  return { kind, configPath: values.config, flags };
}

function parse(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new EngineError(
      'invalid-argument',
      `Cannot read the command line: ${messageOf(cause)}; "berthd --help" lists what there is`,
      { cause },
    );
  }
}

function commandOf(words: readonly string[]): 'serve' | 'config-default' | 'config-dump' {
  const command = words.join(' ');
  if (command === '') return 'serve';
  if (command === 'config default') return 'config-default';
  if (command === 'config dump') return 'config-dump';
  throw new EngineError(
    'invalid-argument',
    `Cannot run "berthd ${command}": there is no such command; "berthd --help" lists what there is`,
  );
}

function pathFlag(
  name: 'root' | 'state' | 'address' | 'dockerAddress',
  value: string | undefined,
): Partial<DaemonConfig> {
  if (value === undefined) return {};
  if (value === '') throw new EngineError('invalid-argument', `Cannot use an empty path for ${name}`);
  const path = value.replace(/^unix:\/\//, '');
  return { [name]: isAbsolute(path) ? path : resolve(path) };
}

function levelFlag(value: string | undefined): Partial<DaemonConfig> {
  if (value === undefined) return {};
  const logLevel = parseLogLevel(value);
  if (logLevel !== undefined) return { logLevel };
  throw new EngineError(
    'invalid-argument',
    `Cannot use log level "${value}": levels are trace, debug, info, warn, error`,
  );
}
