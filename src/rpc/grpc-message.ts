import type { Readable, Writable } from 'node:stream';
import type { DescMessage, Message, MessageInitShape, MessageShape, UnknownField } from '@bufbuild/protobuf';
import { create, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { EngineError } from '#/base/errors.ts';

/** gRPC frames a message with one byte (compressed or not) and its length as a big-endian 32 bit number. */
const prefixSize = 5;
/** The limit of Go's servers and clients here, both ways, unless they are told another. */
export const grpcMaxMessage: number = 16 << 20;
/** Messages not yet taken by the handler; beyond it the stream's window is left to fill. */
const maxQueuedBytes = 256 << 10;

/** A framed message, to be written piece by piece: large bytes stay where they are instead of being copied. */
export type GrpcFrame = readonly [Uint8Array] | readonly [Uint8Array, Uint8Array];

/** Throws `resource-exhausted` for a message over the limit. */
export function encodeGrpcMessage<D extends DescMessage>(
  schema: D,
  message: MessageInitShape<D>,
  limit: number = grpcMaxMessage,
): GrpcFrame {
  const { head, tail } = encodeApart(schema, create(schema, message));
  const headSize = head.reduce((sum, part) => sum + part.length, 0);
  const size = headSize + (tail?.length ?? 0);
  if (size > limit)
    throw new EngineError(
      'resource-exhausted',
      `Cannot send a ${schema.typeName} of ${size} bytes: the limit is ${limit}`,
    );
  const prefix = Buffer.alloc(prefixSize);
  prefix.writeUInt32BE(size, 1);
  const start = Buffer.concat([prefix, ...head], prefixSize + headSize);
  return tail === undefined ? [start] : [start, tail];
}

/** Writes a frame; false when the stream wants its writer to wait for `drain`. */
export function writeGrpcFrame(stream: Writable, frame: GrpcFrame): boolean {
  if (frame.length === 1) return stream.write(frame[0]);
  stream.cork();
  stream.write(frame[0]);
  const ready = stream.write(frame[1]);
  stream.uncork();
  return ready;
}

const worthSplitting = 8 << 10;

interface Encoded {
  readonly head: readonly Uint8Array[];
  readonly tail?: Uint8Array;
}

/** Encodes a large bytes field last, which protobuf allows, so that it need not be copied into the rest. */
function encodeApart<D extends DescMessage>(schema: D, message: MessageShape<D>): Encoded {
  if (message.$unknown !== undefined) return { head: joinEncoded(schema, message, message.$unknown) };
  for (const field of schema.fields) {
    if (field.fieldKind !== 'scalar' || field.scalar !== ScalarType.BYTES || field.oneof !== undefined) continue;
    const bytes: unknown = Reflect.get(message, field.localName);
    if (!(bytes instanceof Uint8Array) || bytes.length < worthSplitting) continue;
    Reflect.set(message, field.localName, new Uint8Array());
    const rest = toBinary(schema, message);
    Reflect.set(message, field.localName, bytes);
    const lead = new BinaryWriter().tag(field.number, WireType.LengthDelimited).uint32(bytes.length).finish();
    return { head: [rest, lead], tail: bytes };
  }
  return { head: [toBinary(schema, message)] };
}

/** Fields that are bytes already (encoded-fields.ts) go out as they are: a writer would copy them each time it grows. */
function joinEncoded(schema: DescMessage, message: Message, encoded: readonly UnknownField[]): Uint8Array[] {
  message.$unknown = undefined;
  const rest = toBinary(schema, message);
  message.$unknown = [...encoded];
  const tags = new Map<number, Uint8Array>();
  const tagOf = ({ no, wireType }: UnknownField): Uint8Array => {
    const tag = tags.get(no) ?? new BinaryWriter().tag(no, wireType).finish();
    tags.set(no, tag);
    return tag;
  };
  return [rest, ...encoded.flatMap((field) => [tagOf(field), field.data])];
}

export function decodeGrpcMessage<D extends DescMessage>(schema: D, body: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, body);
  } catch (error) {
    throw new EngineError('internal', `Cannot decode a ${schema.typeName}`, { cause: error });
  }
}

/**
 * The messages of one HTTP/2 stream, in order, for one reader. Reading slowly closes the peer's window; a frame over
 * the limit, a compressed one or one cut short fails the reader.
 */
export class GrpcMessageReader implements AsyncIterable<Uint8Array> {
  readonly #stream: Readable;
  readonly #limit: number;
  readonly #messages: Uint8Array[] = [];
  #queuedBytes = 0;
  #parts: Buffer[] = [];
  #held = 0;
  #wanted = prefixSize;
  #inBody = false;
  #ended = false;
  #failure: EngineError | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable, limit: number = grpcMaxMessage) {
    this.#stream = stream;
    this.#limit = limit;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => this.#end());
    stream.on('close', () => {
      if (!this.#ended) this.fail(new EngineError('cancelled', 'Cannot read on: the stream was closed'));
    });
  }

  /** The next message, or undefined at the end. Throws what `fail` was given, after the messages before it. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        this.#queuedBytes -= costOf(message);
        if (this.#queuedBytes < maxQueuedBytes && this.#stream.isPaused()) this.#stream.resume();
        return message;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let message = await this.next(); message !== undefined; message = await this.next()) yield message;
  }

  fail(error: EngineError): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** Throws away what is left, so that the peer is not held by a window that nobody reads. */
  discard(): void {
    this.#messages.length = 0;
    this.#parts = [];
    this.#ended = true;
    this.#wake?.();
    this.#stream.resume();
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#ended && this.#failure === undefined) {
      const taken = rest.subarray(0, this.#wanted - this.#held);
      this.#parts.push(taken);
      this.#held += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#held === this.#wanted) this.#complete();
    }
    if (this.#queuedBytes >= maxQueuedBytes) this.#stream.pause();
  }

  #complete(): void {
    const bytes =
      this.#parts.length === 1 && this.#parts[0] !== undefined ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    if (this.#inBody) this.#deliver(bytes);
    else this.#readPrefix(bytes);
  }

  #readPrefix(prefix: Buffer): void {
    const length = prefix.readUInt32BE(1);
    if (prefix.readUInt8(0) !== 0)
      return this.fail(
        new EngineError('unimplemented', 'Cannot read a compressed message: this side offers no compression'),
      );
    if (length > this.#limit)
      return this.fail(
        new EngineError('resource-exhausted', `Cannot take a message of ${length} bytes: the limit is ${this.#limit}`),
      );
    if (length === 0) return this.#deliver(new Uint8Array());
    this.#inBody = true;
    this.#wanted = length;
  }

  #deliver(message: Uint8Array): void {
    this.#inBody = false;
    this.#wanted = prefixSize;
    this.#messages.push(message);
    this.#queuedBytes += costOf(message);
    this.#wake?.();
  }

  #end(): void {
    if (this.#held > 0 || this.#inBody)
      this.fail(new EngineError('internal', 'Cannot read on: the stream ended within a message'));
    this.#ended = true;
    this.#wake?.();
  }
}

/** An empty message takes memory too. */
const costOf = (message: Uint8Array): number => message.length + 128;
