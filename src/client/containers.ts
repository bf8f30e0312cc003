import { isKind } from '#/base/errors.ts';
import { apiPath, formatFilters, type Api, type Filters } from '#/client/api-call.ts';
import type {
  ContainerConfig,
  ContainerDetails,
  ContainerSummary,
  CreatedContainer,
  TerminalSize,
  TopTable,
  WaitResult,
} from '#/client/container-payloads.ts';
import { openExecs, type Execs } from '#/client/execs.ts';
import type { RawConnection } from '#/client/http/hijack.ts';
import { parseJson } from '#/client/json-text.ts';
import { readAll } from '#/client/read-all.ts';

export interface ListOptions {
  readonly all?: boolean;
  readonly limit?: number;
  readonly size?: boolean;
  readonly filters?: Filters | undefined;
}

export interface AttachOptions {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Output from before the attach, too. */
  readonly logs?: boolean;
  readonly detachKeys?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LogsOptions {
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  readonly tail?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StopOptions {
  /** Seconds before the kill. */
  readonly timeout?: number | undefined;
  readonly signal?: string | undefined;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** Containers by id, id prefix or name. */
export interface Containers {
  readonly execs: Execs;
  list(options?: ListOptions): Promise<readonly ContainerSummary[]>;
  create(
    config: ContainerConfig,
    options?: { name?: string | undefined; platform?: string | undefined },
  ): Promise<CreatedContainer>;
  inspect(name: string, options?: { size?: boolean }): Promise<ContainerDetails & Readonly<Record<string, unknown>>>;
  start(name: string, options?: { detachKeys?: string | undefined }): Promise<void>;
  stop(name: string, options?: StopOptions): Promise<void>;
  restart(name: string, options?: StopOptions): Promise<void>;
  kill(name: string, signal?: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  rename(name: string, newName: string): Promise<void>;
  resize(name: string, size: TerminalSize): Promise<void>;
  remove(name: string, options?: { force?: boolean; volumes?: boolean }): Promise<void>;
  top(name: string, psArguments?: string): Promise<TopTable>;
  /** Framed by stream (see `demultiplex`), or raw when the container has a terminal. */
  logs(name: string, options?: LogsOptions): Promise<AsyncIterable<Buffer>>;
  /** The container's streams. Attach before start, and nothing is missed. */
  attach(name: string, options?: AttachOptions): Promise<RawConnection>;
  /** Resolves when the daemon is watching; the result inside comes when the condition holds. */
  wait(
    name: string,
    condition?: WaitCondition,
    signal?: AbortSignal,
  ): Promise<{ readonly result: Promise<WaitResult> }>;
}

export function openContainers(api: Api): Containers {
  const post = (path: string, query: Readonly<Record<string, string | number | undefined>> = {}): Promise<void> =>
    api.done({ method: 'POST', path, query });
  return {
    execs: openExecs(api),
    list: ({ all, limit, size, filters } = {}) =>
      api.json({
        method: 'GET',
        path: '/containers/json',
        query: { all, limit, size, filters: formatFilters(filters) },
      }),
    create: (config, { name, platform } = {}) =>
      api.json({ method: 'POST', path: '/containers/create', query: { name, platform }, json: config }),
    inspect: (name, { size } = {}) =>
      api.json({ method: 'GET', path: apiPath`/containers/${name}/json`, query: { size } }),
    start: (name, { detachKeys } = {}) => unlessSo(post(apiPath`/containers/${name}/start`, { detachKeys })),
    stop: (name, { timeout, signal } = {}) => unlessSo(post(apiPath`/containers/${name}/stop`, { t: timeout, signal })),
    restart: (name, { timeout, signal } = {}) => post(apiPath`/containers/${name}/restart`, { t: timeout, signal }),
    kill: (name, signal) => post(apiPath`/containers/${name}/kill`, { signal }),
    pause: (name) => post(apiPath`/containers/${name}/pause`),
    unpause: (name) => post(apiPath`/containers/${name}/unpause`),
    rename: (name, newName) => post(apiPath`/containers/${name}/rename`, { name: newName }),
    resize: (name, { rows, columns }) => post(apiPath`/containers/${name}/resize`, { h: rows, w: columns }),
    remove: (name, { force, volumes } = {}) =>
      api.done({ method: 'DELETE', path: apiPath`/containers/${name}`, query: { force, v: volumes } }),
    top: (name, psArguments) =>
      api.json({ method: 'GET', path: apiPath`/containers/${name}/top`, query: { ps_args: psArguments } }),
    logs: (name, options = {}) => openLogs(api, name, options),
    attach: (name, { stdin, stdout, stderr, logs, detachKeys, signal } = {}) =>
      api.raw({
        method: 'POST',
        path: apiPath`/containers/${name}/attach`,
        query: { stream: true, stdin, stdout, stderr, logs, detachKeys },
        signal,
      }),
    wait: (name, condition = 'not-running', signal) => openWait(api, name, { condition, signal }),
  };
}

async function openLogs(api: Api, name: string, options: LogsOptions): Promise<AsyncIterable<Buffer>> {
  const { signal, ...query } = options;
  const path = apiPath`/containers/${name}/logs`;
  const response = await api.stream({ method: 'GET', path, query: { stdout: true, stderr: true, ...query }, signal });
  return response.body;
}

const longestWaitAnswer = 64 * 1024;

async function openWait(
  api: Api,
  name: string,
  { condition, signal }: { readonly condition: WaitCondition; readonly signal: AbortSignal | undefined },
): Promise<{ readonly result: Promise<WaitResult> }> {
  const response = await api.stream({
    method: 'POST',
    path: apiPath`/containers/${name}/wait`,
    query: { condition },
    signal,
  });
  const result = readAll(response.body, longestWaitAnswer).then((text) => parseJson(text.toString()) as WaitResult);
  // Whoever no longer cares for the result need not hear of its failure.
  result.catch(() => {});
  return { result };
}

/** "Already started" and "already stopped" are 304: what was wanted is so. */
async function unlessSo(done: Promise<void>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!isKind(error, 'not-modified')) throw error;
  }
}
