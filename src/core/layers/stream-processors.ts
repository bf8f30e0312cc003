/**
 * Programs that turn the bytes of a layer into another layer's, such as the decryption of encrypted ones: containerd's
 * stream processors. Each reads from standard input and writes to standard output; descriptor 3 tells it what the
 * client sent along.
 */
import { open } from 'node:fs/promises';
import { EngineError } from '#/base/errors.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { openChildPipe, openPipe } from '#/linux/pipe.ts';
import { spawn, type Child, type ExitStatus, type SpawnOptions } from '#/linux/spawn.ts';

export interface StreamProcessor {
  readonly id: string;
  readonly accepts: readonly string[];
  readonly returns: string;
  /** A path, or a name on PATH. */
  readonly path: string;
  readonly args: readonly string[];
  /** `NAME=VALUE` each. */
  readonly env: readonly string[];
}

export interface ProcessedLayer extends AsyncDisposable {
  /** Where another process may read what came out, once. */
  readonly path: string;
  /** Resolves when all programs have ended well; else throws what they said. */
  finish(): Promise<void>;
}

export interface LayerToProcess {
  readonly path: string;
  readonly mediaType: string;
  /** By the id of a processor. */
  readonly payloads?: ReadonlyMap<string, Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
}

const longestChain = 8;
const mostSaid = 16 << 10;

/** The programs that a media type goes through, in order, and the type that comes out. */
export function chainOf(
  processors: readonly StreamProcessor[],
  mediaType: string,
): { readonly chain: readonly StreamProcessor[]; readonly mediaType: string } {
  const chain: StreamProcessor[] = [];
  let type = mediaType;
  for (;;) {
    const next = processors.find(({ accepts }) => accepts.includes(type));
    if (next === undefined) return { chain, mediaType: type };
    if (chain.length === longestChain)
      throw new EngineError('invalid-argument', `Cannot process a "${mediaType}": stream processors lead in a circle`);
    chain.push(next);
    type = next.returns;
  }
}

/** Starts the programs, each fed by the one before. Disposing kills what still runs. */
export async function processLayer(chain: readonly StreamProcessor[], layer: LayerToProcess): Promise<ProcessedLayer> {
  await using undo = new AsyncDisposableStack();
  const stopping = new AbortController();
  undo.defer(() => stopping.abort());
  const signal = layer.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, layer.signal]);
  const blob = undo.use(await open(layer.path, 'r'));
  let [input, type] = [blob.fd, layer.mediaType];
  const running: Promise<void>[] = [];
  for (const processor of chain) {
    const output = openPipe();
    undo.defer(() => closeDescriptor(output.read));
    try {
      const payload = layer.payloads?.get(processor.id);
      running.push(runProcessor(processor, { input, output: output.write, type, payload, signal }));
    } finally {
      closeDescriptor(output.write);
    }
    [input, type] = [output.read, processor.returns];
  }
  undo.defer(async () => void (await Promise.allSettled(running)));
  const ended = Promise.all(running);
  ended.catch(() => {});
  const closing = undo.move();
  return {
    path: `/proc/${process.pid}/fd/${input}`,
    finish: async () => void (await ended),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await closing.disposeAsync();
    },
  };
}

interface Streams {
  readonly input: number;
  readonly output: number;
  readonly type: string;
  readonly payload: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** Has started the program when it returns. */
async function runProcessor({ id, path, args, env }: StreamProcessor, streams: Streams): Promise<void> {
  using errors = openChildPipe('from-child');
  using payload = streams.payload === undefined ? undefined : openChildPipe('to-child');
  const child = start(id, {
    file: path,
    args,
    env: { ...process.env, ...variablesOf(env), STREAM_PROCESSOR_MEDIATYPE: streams.type },
    stdio: [streams.input, streams.output, errors.fd, ...(payload === undefined ? [] : [payload.fd])],
    signal: streams.signal,
  });
  errors.release();
  payload?.release();
  if (payload !== undefined) {
    // A program that does not want to hear it closes its end.
    payload.stream.on('error', () => payload.stream.destroy());
    payload.stream.end(streams.payload ?? new Uint8Array());
  }
  let said = '';
  errors.stream.on('data', (chunk: Buffer) => {
    if (said.length < mostSaid) said += chunk.toString();
  });
  errors.stream.on('error', () => errors.stream.destroy());
  const ended = await child.exited;
  if (ended.code === 0) return;
  throw new EngineError('invalid-argument', `Cannot process a layer by "${id}": ${said.trim() || howItEnded(ended)}`);
}

function start(id: string, options: SpawnOptions): Child {
  try {
    return spawn(options);
  } catch (cause) {
    throw new EngineError('failed-precondition', `Cannot process a layer by "${id}": "${options.file}" cannot be run`, {
      cause,
    });
  }
}

const howItEnded = ({ code, signal }: ExitStatus): string =>
  signal === undefined ? `it ended with code ${code ?? 'unknown'}` : `signal ${signal} ended it`;

const variablesOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
