import { boolean, text, type FlagsFor } from '#/cli/flags.ts';

export interface RegistryFlags {
  readonly 'skip-verify': boolean;
  readonly 'plain-http': boolean;
  readonly user: string | undefined;
  readonly refresh: string | undefined;
  readonly 'hosts-dir': string | undefined;
  readonly tlscacert: string | undefined;
  readonly tlscert: string | undefined;
  readonly tlskey: string | undefined;
  readonly 'http-dump': boolean;
  readonly 'http-trace': boolean;
}

export const registryFlags: FlagsFor<RegistryFlags> = {
  'skip-verify': boolean('k', 'Do not check the registry’s certificate'),
  'plain-http': boolean('', 'Talk to the registry without TLS'),
  user: text('u', 'USER[:PASSWORD]', 'Log in as this user (default: what "berth login" remembers)'),
  refresh: text('', 'TOKEN', 'Log in with a refresh token'),
  'hosts-dir': text('', 'DIR', 'Directory of hosts.toml files'),
  tlscacert: text('', 'FILE', 'Certificate authority to trust'),
  tlscert: text('', 'FILE', 'Certificate of ours to show'),
  tlskey: text('', 'FILE', 'Key of that certificate'),
  'http-dump': boolean('', 'Show requests and answers'),
  'http-trace': boolean('', 'Show the steps of connections'),
};
