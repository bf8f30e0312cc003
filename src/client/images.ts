import { apiPath, formatFilters, imagePath, type Api, type Filters } from '#/client/api-call.ts';
import type { RequestBody } from '#/client/http/request-writer.ts';
import type { DeletedImage, ImageHistoryEntry, ImageSummary, ProgressMessage } from '#/client/image-payloads.ts';
import { readJsonLines } from '#/client/json-lines.ts';

export interface PullOptions {
  /** `busybox`, or with registry and path. */
  readonly repository: string;
  /** A tag or a digest. */
  readonly tag: string;
  readonly platform?: string | undefined;
  /** base64url JSON credentials, as X-Registry-Auth wants them. */
  readonly registryAuth?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PushOptions {
  readonly repository: string;
  readonly tag: string;
  readonly registryAuth?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Images {
  list(options?: { all?: boolean; digests?: boolean; filters?: Filters | undefined }): Promise<readonly ImageSummary[]>;
  inspect(name: string): Promise<Readonly<Record<string, unknown>>>;
  history(name: string): Promise<readonly ImageHistoryEntry[]>;
  /** Progress as it comes. The caller must look at `error`: see `throwOnError`. */
  pull(options: PullOptions): Promise<AsyncIterable<ProgressMessage>>;
  push(options: PushOptions): Promise<AsyncIterable<ProgressMessage>>;
  tag(source: string, target: { repository: string; tag: string }): Promise<void>;
  remove(name: string, options?: { force?: boolean; noPrune?: boolean }): Promise<readonly DeletedImage[]>;
  /** A tar of all the named images. */
  save(names: readonly string[], signal?: AbortSignal): Promise<AsyncIterable<Buffer>>;
  load(tar: RequestBody, options?: { quiet?: boolean; signal?: AbortSignal }): Promise<AsyncIterable<ProgressMessage>>;
}

// The API wants the header even where there are no credentials.
const authHeader = (auth: string | undefined): Record<string, string> => ({ 'X-Registry-Auth': auth ?? 'e30=' });

export function openImages(api: Api): Images {
  const progress = async (call: Parameters<Api['stream']>[0]): Promise<AsyncIterable<ProgressMessage>> =>
    readJsonLines<ProgressMessage>((await api.stream(call)).body);
  return {
    list: ({ all, digests, filters } = {}) =>
      api.json({ method: 'GET', path: '/images/json', query: { all, digests, filters: formatFilters(filters) } }),
    inspect: (name) => api.json({ method: 'GET', path: imagePath(name, '/json') }),
    history: (name) => api.json({ method: 'GET', path: imagePath(name, '/history') }),
    pull: ({ repository, tag, platform, registryAuth, signal }) =>
      progress({
        method: 'POST',
        path: '/images/create',
        query: { fromImage: repository, tag, platform },
        headers: authHeader(registryAuth),
        signal,
      }),
    push: ({ repository, tag, registryAuth, signal }) =>
      progress({
        method: 'POST',
        path: imagePath(repository, '/push'),
        query: { tag },
        headers: authHeader(registryAuth),
        signal,
      }),
    tag: (source, { repository, tag }) =>
      api.done({ method: 'POST', path: imagePath(source, '/tag'), query: { repo: repository, tag } }),
    remove: (name, { force, noPrune } = {}) =>
      api.json({ method: 'DELETE', path: imagePath(name, ''), query: { force, noprune: noPrune } }),
    save: async (names, signal) =>
      (await api.stream({ method: 'GET', path: apiPath`/images/get`, query: { names }, signal })).body,
    load: (tar, { quiet, signal } = {}) =>
      progress({ method: 'POST', path: '/images/load', query: { quiet }, tar, signal }),
  };
}
