import { formatFilters, type Api, type Filters } from '#/client/api-call.ts';
import { readJsonLines } from '#/client/json-lines.ts';
import type { Ping } from '#/client/negotiate.ts';

export interface VersionAnswer {
  readonly Version?: string;
  readonly ApiVersion?: string;
  readonly MinAPIVersion?: string;
  readonly GitCommit?: string;
  readonly Os?: string;
  readonly Arch?: string;
  readonly KernelVersion?: string;
  readonly BuildTime?: string;
  readonly Platform?: { readonly Name?: string };
  readonly Components?: readonly {
    readonly Name: string;
    readonly Version: string;
    readonly Details?: Readonly<Record<string, string>> | null;
  }[];
}

/** What `GET /info` says; daemons differ, so only what the CLI shows is named here. */
export type InfoAnswer = Readonly<Record<string, unknown>>;

export interface EventMessage {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | null };
  readonly scope?: string;
  readonly time?: number;
  readonly timeNano?: number | bigint;
}

export interface EventsOptions {
  /** Seconds since 1970, with decimals if need be. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters?: Filters | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly serveraddress?: string;
  readonly identitytoken?: string;
}

export interface System {
  ping(): Promise<Ping>;
  version(): Promise<VersionAnswer>;
  info(): Promise<InfoAnswer>;
  /** Until `until`, or for ever. */
  events(options?: EventsOptions): Promise<AsyncIterable<EventMessage>>;
  /** Asks a registry, through the daemon, whether the credentials are good. */
  checkCredentials(credentials: Credentials): Promise<{ readonly Status?: string; readonly IdentityToken?: string }>;
}

export function openSystem(api: Api, ping: () => Promise<Ping>): System {
  return {
    ping,
    version: () => api.json({ method: 'GET', path: '/version' }),
    info: () => api.json({ method: 'GET', path: '/info' }),
    events: async ({ since, until, filters, signal } = {}) => {
      const query = { since, until, filters: formatFilters(filters) };
      const response = await api.stream({ method: 'GET', path: '/events', query, signal });
      return readJsonLines<EventMessage>(response.body);
    },
    checkCredentials: (credentials) => api.json({ method: 'POST', path: '/auth', json: credentials }),
  };
}
