import { EngineError, messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { RegistryClient } from '#/core/registry/registry-client.ts';
import type { Capability, RegistryHost } from '#/core/registry/registry-host.ts';

/** The hosts of a registry in the order in which they are asked. */
export interface Hosts {
  readonly clients: readonly RegistryClient[];
  /** What is wrong with the files that name them. */
  readonly complaints: readonly string[];
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
  /** Hosts that failed in a way that the next request would see again; they are asked last. */
  readonly shunned: Set<RegistryHost>;
  /** Hosts that gave wrong bytes; they are not asked for any more. */
  readonly distrusted: Set<RegistryHost>;
}

export interface Attempt<T> {
  /** For errors: `resolve "host/name:tag"`. */
  readonly tried: string;
  readonly needs: readonly Capability[];
  readonly use: (client: RegistryClient) => Promise<T>;
}

/**
 * The answer of the first host that has one. Whatever goes wrong with one leads to the next, and only the last is asked
 * again and again; the error in the end names each host and why. Its kind is that of the registry itself.
 */
export async function tryHosts<T>(hosts: Hosts, { tried, needs, use }: Attempt<T>): Promise<T> {
  const order = inOrder(hosts, needs);
  const last = order.findLast((client) => !hosts.shunned.has(client.host)) ?? order.at(-1);
  const failures: HostFailure[] = [];
  for (const client of order) {
    try {
      return await use(client === last ? client : hurried(client));
    } catch (error) {
      hosts.signal?.throwIfAborted();
      if (!(error instanceof EngineError)) throw error;
      if (error.kind === 'unavailable') hosts.shunned.add(client.host);
      failures.push({ client, error });
      if (order.length > 1) hosts.logger.info('registry host failed', { host: hostOf(client), error: error.message });
    }
  }
  throw describeFailures(failures, { tried, needs, complaints: hosts.complaints });
}

function inOrder({ clients, shunned, distrusted }: Hosts, needs: readonly Capability[]): RegistryClient[] {
  const able = clients.filter((client) => needs.every((need) => client.host.capabilities.includes(need)));
  const trusted = able.filter((client) => !distrusted.has(client.host));
  return [
    ...trusted.filter((client) => !shunned.has(client.host)),
    ...trusted.filter((client) => shunned.has(client.host)),
  ];
}

/** The one host that is written to. Throws `not-found` where no host may be. */
export function findPusher({ clients, complaints }: Hosts, tried: string): RegistryClient {
  const pusher = clients.find(({ host }) => host.capabilities.includes('push'));
  if (pusher === undefined) throw describeFailures([], { tried, needs: ['push'], complaints });
  return pusher;
}

/** Takes a host out that gave wrong bytes; false when no other could give right ones. */
export function distrust(hosts: Hosts, { host }: RegistryClient): boolean {
  if (inOrder(hosts, ['pull']).every((other) => other.host === host)) return false;
  hosts.distrusted.add(host);
  return true;
}

const hostOf = ({ host }: RegistryClient): string => host.root.host;

interface HostFailure {
  readonly client: RegistryClient;
  readonly error: EngineError;
}

const hurried = (client: RegistryClient): RegistryClient => ({
  ...client,
  hurried: true,
  call: async (call) => await client.call({ ...call, retry: 'never' }),
});

interface Failed {
  readonly tried: string;
  readonly needs: readonly Capability[];
  readonly complaints: readonly string[];
}

function describeFailures(failures: readonly HostFailure[], { tried, needs, complaints }: Failed): EngineError {
  const also = complaints.map((complaint) => `; ${complaint}`).join('');
  const own = failures.findLast(({ client }) => client.host.upstream) ?? failures.at(-1);
  if (own === undefined)
    return new EngineError('not-found', `Cannot ${tried}: none of its hosts may ${needs.join(' and ')}${also}`);
  const reasons = failures.map((failure) => reasonOf(failure, tried)).join('; ');
  const { kind, cause } = own.error;
  const isSaid = cause instanceof Error && reasons.includes(withoutCannot(messageOf(cause)));
  return new EngineError(kind, `Cannot ${tried}: ${reasons}${also}`, isSaid ? {} : { cause });
}

const withoutCannot = (text: string): string => text.replace(/^Cannot /, '');

/** What went wrong, without what was tried, and with the host once. */
function reasonOf({ client, error: { message } }: HostFailure, tried: string): string {
  const own = `Cannot ${tried}: `;
  const reason = withoutCannot(message.startsWith(own) ? message.slice(own.length) : message);
  return reason.includes(hostOf(client)) ? reason : `${hostOf(client)}: ${reason}`;
}
