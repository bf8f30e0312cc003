import { EngineError } from '#/base/errors.ts';
import { errorOfResponse } from '#/client/api-error.ts';
import { exchange, type HttpResponse } from '#/client/http/exchange.ts';
import { hijack, type RawConnection } from '#/client/http/hijack.ts';
import type { HttpRequest, RequestBody } from '#/client/http/request-writer.ts';
import { formatJson, parseJson } from '#/client/json-text.ts';
import { readAll } from '#/client/read-all.ts';

/** One call of the Docker Engine API, before it is bytes. */
export interface ApiCall {
  readonly method: HttpRequest['method'];
  /** Below the version prefix; built by `apiPath`, so that names cannot leave their segment. */
  readonly path: string;
  /** Left out where undefined; an array repeats the key. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as a tar stream. */
  readonly tar?: RequestBody;
  readonly signal?: AbortSignal | undefined;
}

export type QueryValue = string | number | boolean | readonly string[] | undefined;

export interface ApiConnection {
  readonly socketPath: string;
  /** Undefined until the daemon was asked. */
  readonly apiVersion: () => Promise<string>;
  readonly headers: Readonly<Record<string, string>>;
  readonly onRequest?: ((line: string) => void) | undefined;
}

/** What the resources are built from. Every method throws EngineError for answers of 300 and above. */
export interface Api {
  json<T>(call: ApiCall): Promise<T>;
  /** For calls whose answer says nothing. */
  done(call: ApiCall): Promise<void>;
  stream(call: ApiCall): Promise<HttpResponse>;
  raw(call: ApiCall): Promise<RawConnection>;
}

const longestJson = 256 * 1024 * 1024;

export function createApi(connection: ApiConnection): Api {
  const { socketPath } = connection;
  const traced = async <T>(call: ApiCall, send: (request: HttpRequest) => Promise<T>): Promise<T> => {
    const request = await toRequest(connection, call);
    connection.onRequest?.(`${request.method} ${request.path}`);
    return send(request);
  };
  const stream = (call: ApiCall): Promise<HttpResponse> =>
    traced(call, async (request) => {
      const response = await exchange(socketPath, request);
      if (response.status >= 300) throw await errorOfResponse(response);
      return response;
    });
  return {
    stream,
    json: async <T>(call: ApiCall) => readJson<T>(call, await stream(call)),
    done: async (call) => {
      await readAll((await stream(call)).body, longestJson);
    },
    raw: (call) =>
      traced(call, async (request) => {
        const answer = await hijack(socketPath, request);
        if (answer.kind === 'raw') return answer.connection;
        const error = await errorOfResponse(answer.response);
        answer.response.close();
        throw error;
      }),
  };
}

async function readJson<T>(call: ApiCall, response: HttpResponse): Promise<T> {
  const text = (await readAll(response.body, longestJson)).toString();
  try {
    return parseJson(text) as T;
  } catch (cause) {
    throw new EngineError('data-loss', `Cannot read the answer to ${call.method} ${call.path}: it is no JSON`, {
      cause,
    });
  }
}

async function toRequest(connection: ApiConnection, call: ApiCall): Promise<HttpRequest> {
  const version = await connection.apiVersion();
  const type: Record<string, string> =
    call.json !== undefined
      ? { 'Content-Type': 'application/json' }
      : call.tar === undefined
        ? {}
        : { 'Content-Type': 'application/x-tar' };
  const body = call.json === undefined ? call.tar : formatJson(call.json);
  return {
    method: call.method,
    path: `${version === '' ? '' : `/v${version}`}${call.path}${formatQuery(call.query ?? {})}`,
    headers: { ...connection.headers, ...type, ...call.headers },
    ...(body === undefined ? {} : { body }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  };
}

export function formatQuery(query: Readonly<Record<string, QueryValue>>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) => {
    if (value === undefined || value === false) return [];
    const values = typeof value === 'object' ? value : [value === true ? '1' : String(value)];
    return values.map((one) => `${encodeURIComponent(key)}=${encodeURIComponent(one)}`);
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** A path from fixed parts and names: `apiPath\`/containers/${name}/json\``. Names are percent-encoded, never empty. */
export function apiPath(parts: TemplateStringsArray, ...names: readonly string[]): string {
  const encoded = names.map((name) => {
    if (name === '' || name === '.' || name === '..')
      throw new EngineError('invalid-argument', `Cannot use ${JSON.stringify(name)} as a name`);
    return encodeURIComponent(name);
  });
  return parts.map((part, at) => part + (encoded[at] ?? '')).join('');
}

/** An image name keeps its slashes and colons, as the API's routes want it. */
export function imagePath(name: string, suffix: string): string {
  if (name === '' || name.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new EngineError('invalid-argument', `Cannot use ${JSON.stringify(name)} as an image name`);
  const encoded = name.split('/').map((part) => encodeURIComponent(part).replaceAll('%3A', ':').replaceAll('%40', '@'));
  return `/images/${encoded.join('/')}${suffix}`;
}

/** The `filters` parameter: a JSON map of lists. Undefined when there are none. */
export function formatFilters(filters: Filters | undefined): string | undefined {
  if (filters === undefined || Object.keys(filters).length === 0) return undefined;
  return JSON.stringify(filters);
}

export type Filters = Readonly<Record<string, readonly string[]>>;
