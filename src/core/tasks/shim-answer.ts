import { fromBinary } from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import { BootstrapResultSchema } from '#/gen/containerd/runtime/bootstrap/v1/bootstrap_pb.ts';

/** Where a started shim listens, and what it speaks there. */
export interface ShimEndpoint {
  readonly version: number;
  /** A socket path, with or without `unix://`. */
  readonly address: string;
  readonly protocol: string;
}

const newestVersion = 3;

/** Reads what a shim's `start` prints: a BootstrapResult, JSON, or the address alone, by the age of the shim. */
export function parseShimAnswer(output: Uint8Array): ShimEndpoint {
  const text = Buffer.from(output).toString('utf8').trim();
  if (text === '') throw refuse('it printed no address');
  if (text.startsWith('{')) return parseEndpoint(text);
  if (/^[a-z/]/i.test(text) && !/[^\x20-\x7e]/.test(text))
    return check({ version: 2, address: text, protocol: 'ttrpc' });
  return check(parseResult(output));
}

/** Reads an endpoint as JSON: an answer, or the bundle's bootstrap.json. */
export function parseEndpoint(text: string): ShimEndpoint {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw refuse('it printed JSON that does not parse', error);
  }
  const { version, address, protocol } = Object(document) as Partial<Record<keyof ShimEndpoint, unknown>>;
  if (typeof version !== 'number' || typeof address !== 'string') throw refuse('version or address is missing');
  return check({ version, address, protocol: typeof protocol === 'string' ? protocol : 'ttrpc' });
}

function parseResult(output: Uint8Array): ShimEndpoint {
  try {
    const { version, address, protocol } = fromBinary(BootstrapResultSchema, output);
    return { version, address, protocol };
  } catch (error) {
    throw refuse('its answer is no BootstrapResult', error);
  }
}

function check(endpoint: ShimEndpoint): ShimEndpoint {
  const { version, address, protocol } = endpoint;
  if (version < 2 || version > newestVersion)
    throw new EngineError(
      'unimplemented',
      `Cannot talk to the shim: it speaks version ${version}, berth speaks 2 and 3`,
    );
  if (protocol !== 'ttrpc')
    throw new EngineError('unimplemented', `Cannot talk to the shim: it speaks "${protocol}", berth speaks "ttrpc"`);
  if (!/^(unix:\/\/)?\//.test(address)) throw refuse(`"${address.slice(0, 200)}" is no unix socket`);
  return endpoint;
}

const refuse = (why: string, cause?: unknown): EngineError =>
  new EngineError('internal', `Cannot read the shim's answer: ${why}`, { cause });
