import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { EngineError, errnoOf } from '#/base/errors.ts';
import { dialUnix } from '#/rpc/dial-unix.ts';

export interface AttachStdio {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The bytes of both streams as they come, without Docker's frame headers. */
  readonly raw: boolean;
  /** The end of this client's stdin ends the process's. */
  readonly once: boolean;
}

/** The hello of native/stdio/client.h: a magic word, flags, three zero bytes; the answer is one byte, 0 or an errno. */
const flags = { stdin: 1, stdout: 2, stderr: 4, raw: 8, once: 16, abandon: 32, reopen: 64 } as const;
const helloFor = (wanted: number): Buffer => Buffer.from([...Buffer.from('BRT1'), wanted, 0, 0, 0]);
const busy = 16;
const answerLimit = 10_000;
/** sun_path has 108 bytes, the last one a zero. */
const longestPath = 107;

/**
 * Attaches to streams. When it resolves, nothing that is written from then on is missed; read the socket for output, write
 * it for stdin and end it to end stdin. `not-found` when the streams have ended.
 */
export async function attachStdio(socketPath: string, options: AttachStdio): Promise<Socket> {
  const names = ['stdin', 'stdout', 'stderr', 'raw', 'once'] as const;
  const wanted = names.reduce((sum, name) => sum + (options[name] ? flags[name] : 0), 0);
  return await connect(socketPath, wanted);
}

/** Resolves when all output is in the log and with those attached; at once when there is nobody to ask. */
export async function stdioEnded(socketPath: string, signal?: AbortSignal): Promise<void> {
  await watch(socketPath, 0, signal);
}

/** Gives streams up that no process has come for, and resolves when they have ended. */
export async function abandonStdio(socketPath: string): Promise<void> {
  await watch(socketPath, flags.abandon);
}

/** Has the log written to a new file at its path, after somebody has moved the old one away. */
export async function reopenLog(socketPath: string): Promise<void> {
  (await connect(socketPath, flags.reopen)).destroy();
}

async function watch(socketPath: string, wanted: number, signal?: AbortSignal): Promise<void> {
  const socket = await connect(socketPath, wanted).catch((error: unknown) => {
    if (error instanceof EngineError && error.kind === 'not-found') return undefined;
    throw error;
  });
  if (socket === undefined) return;
  const stop = (): void => void socket.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  socket.on('error', stop).resume();
  if (!socket.closed) await once(socket, 'close');
  signal?.removeEventListener('abort', stop);
}

async function connect(socketPath: string, wanted: number): Promise<Socket> {
  const socket = await dial(socketPath);
  const limit = setTimeout(() => socket.destroy(), answerLimit);
  try {
    socket.write(helloFor(wanted));
    checkAnswer(socketPath, await readByte(socket));
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

/** Undefined when the other side ends or breaks before it answers. */
async function readByte(socket: Socket): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const take = (): void => {
    const answer: unknown = socket.read(1);
    if (Buffer.isBuffer(answer)) resolve(answer[0]);
  };
  const end = (): void => resolve(undefined);
  socket.on('readable', take).once('end', end).once('error', end).once('close', end);
  try {
    return await promise;
  } finally {
    socket.off('readable', take).off('end', end).off('error', end).off('close', end);
  }
}

function checkAnswer(socketPath: string, answer: number | undefined): void {
  if (answer === 0) return;
  if (answer === undefined) throw ended(socketPath);
  throw answer === busy
    ? new EngineError('resource-exhausted', `Cannot attach at "${socketPath}": too many are attached`)
    : new EngineError('internal', `Cannot attach at "${socketPath}": refused with errno ${answer}`);
}

async function dial(socketPath: string): Promise<Socket> {
  try {
    if (Buffer.byteLength(socketPath) <= longestPath) return await dialUnix(socketPath);
    await using directory = await open(dirname(socketPath), 'r');
    return await dialUnix(join(`/proc/self/fd/${directory.fd}`, basename(socketPath)));
  } catch (error) {
    const code = errnoOf(error instanceof EngineError ? error.cause : error);
    throw code === 'ENOENT' || code === 'ECONNREFUSED' ? ended(socketPath, error) : error;
  }
}

const ended = (socketPath: string, cause?: unknown): EngineError =>
  new EngineError('not-found', `Cannot attach at "${socketPath}": its streams have ended`, { cause });
