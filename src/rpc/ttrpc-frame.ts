/**
 * ttrpc's frames: a header of ten bytes (payload length and stream id as big-endian 32 bit, type, flags), then the
 * payload. Both directions use the same.
 */
export const ttrpcMaxPayload: number = 4 << 20;
const headerSize = 10;

export const frameType = { request: 1, response: 2, data: 3 } as const;

export interface TtrpcFrame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  /** Undefined when the peer announced more than `ttrpcMaxPayload`: the bytes were skipped. */
  readonly payload: Uint8Array | undefined;
}

/** Header and payload in one buffer, so that one write sends both. */
export function encodeTtrpcFrame(streamId: number, type: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerSize + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(type, 8);
  frame.writeUInt8(0, 9);
  frame.set(payload, headerSize);
  return frame;
}

/** Cuts a byte stream into frames. Holds at most one unfinished frame. */
export class TtrpcFrameReader {
  #parts: Buffer[] = [];
  #held = 0;
  #wanted = headerSize;
  #header: Buffer | undefined;
  #skip = 0;

  /** The frames that `chunk` completes, in order. */
  *push(chunk: Buffer): Generator<TtrpcFrame> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, rest.length);
        this.#skip -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      const taken = rest.subarray(0, this.#wanted - this.#held);
      this.#parts.push(taken);
      this.#held += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#held === this.#wanted) yield* this.#complete();
    }
  }

  *#complete(): Generator<TtrpcFrame> {
    const bytes =
      this.#parts.length === 1 && this.#parts[0] !== undefined ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    if (this.#header === undefined) {
      const length = bytes.readUInt32BE(0);
      if (length > ttrpcMaxPayload) {
        this.#skip = length;
        yield frameOf(bytes, undefined);
      } else if (length === 0) {
        yield frameOf(bytes, new Uint8Array());
      } else {
        this.#header = bytes;
        this.#wanted = length;
      }
      return;
    }
    const header = this.#header;
    this.#header = undefined;
    this.#wanted = headerSize;
    yield frameOf(header, bytes);
  }
}

function frameOf(header: Buffer, payload: Uint8Array | undefined): TtrpcFrame {
  return { streamId: header.readUInt32BE(4), type: header.readUInt8(8), flags: header.readUInt8(9), payload };
}
