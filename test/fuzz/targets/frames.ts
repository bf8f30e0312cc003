/** Frames and messages of the wire protocols, and the streams that clients read. */
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { toBinary, create, type DescMessage } from '@bufbuild/protobuf';
import { readJsonLines } from '#/client/json-lines.ts';
import { demultiplex } from '#/client/stdio-frames.ts';
import { CreateContainerRequestSchema } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { WriteContentRequestSchema } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { ForwardRequestSchema } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { CreateTaskRequestSchema } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { RequestSchema } from '#/gen/containerd/ttrpc/request_pb.ts';
import { decodeGrpcMessage, encodeGrpcMessage, GrpcMessageReader } from '#/rpc/grpc-message.ts';
import { encodeTtrpcFrame, TtrpcFrameReader } from '#/rpc/ttrpc-frame.ts';
import type { Random } from '../../support/random.ts';
import type { FuzzTarget } from '../target.ts';

function* inPieces(bytes: Buffer, random: Random): Generator<Buffer> {
  for (let at = 0, size = 0; at < bytes.length; at += size) {
    size = 1 + random.below(200);
    yield bytes.subarray(at, at + size);
  }
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(values);
}

const message = Buffer.concat(encodeGrpcMessage(WriteContentRequestSchema, { ref: 'a', data: Buffer.from('bytes') }));

const requests: readonly DescMessage[] = [
  CreateContainerRequestSchema,
  WriteContentRequestSchema,
  CreateTaskRequestSchema,
  ForwardRequestSchema,
  RequestSchema,
];

const requestSeeds = [
  toBinary(
    CreateContainerRequestSchema,
    create(CreateContainerRequestSchema, {
      container: { id: 'a', image: 'b', labels: { c: 'd' }, spec: { typeUrl: 'x', value: Buffer.from('{}') } },
    }),
  ),
  toBinary(
    CreateTaskRequestSchema,
    create(CreateTaskRequestSchema, { containerId: 'a', rootfs: [{ type: 'overlay', options: ['ro'] }] }),
  ),
  toBinary(RequestSchema, create(RequestSchema, { service: 's', method: 'm', metadata: [{ key: 'k', value: 'v' }] })),
];

export const frameTargets: readonly FuzzTarget[] = [
  {
    name: 'TtrpcFrameReader',
    seeds: [
      Buffer.concat([encodeTtrpcFrame(1, 1, Buffer.from('request')), encodeTtrpcFrame(3, 2, Buffer.alloc(0))]),
      Buffer.from('ffffffff000000010100', 'hex'),
    ],
    words: ['\0\x40\0\0', '\0\x40\0\x01', '\xff\xff\xff\xff', '\0\0\0\0'],
    run(input, random) {
      const read = (pieces: Iterable<Buffer>): string[] => {
        const reader = new TtrpcFrameReader();
        return [...pieces].flatMap((piece) => [...reader.push(piece)].map((frame) => JSON.stringify(frame)));
      };
      const frames = read([input]);
      assert.deepEqual(read(inPieces(input, random)), frames, 'pieces do not matter');
      return `${frames.length} ${frames.at(-1)?.length ?? 0}`;
    },
  },
  {
    name: 'GrpcMessageReader',
    seeds: [
      message,
      Buffer.concat([message, message]),
      Buffer.from('0100000001ff', 'hex'),
      Buffer.from('00ffffffff', 'hex'),
    ],
    words: ['\0\0\0\0\0', '\x01', '\0\x01\0\0\0', '\0\x01\0\0\x01'],
    async run(input, random) {
      const stream = new PassThrough();
      const reader = new GrpcMessageReader(stream);
      for (const piece of inPieces(input, random)) stream.write(piece);
      stream.end();
      const messages = await collect(reader);
      return `${messages.length}`;
    },
  },
  {
    name: 'decodeGrpcMessage',
    seeds: requestSeeds,
    words: ['\x0a', '\x12', '\xff\xff\xff\xff\x0f', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', '\x0b', '\x0c', '\x80'],
    run(input, random) {
      const schema = random.pick(requests) ?? RequestSchema;
      return `${schema.name} ${Object.keys(decodeGrpcMessage(schema, input)).length}`;
    },
  },
  {
    name: 'demultiplex',
    seeds: [
      Buffer.from('\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err', 'latin1'),
      Buffer.from('\x03\0\0\0\0\0\0\x03bad', 'latin1'),
    ],
    words: ['\x01\0\0\0', '\x02\0\0\0', '\x03\0\0\0', '\xff\xff\xff\xff'],
    async run(input, random) {
      const chunks = await collect(demultiplex(Readable.from(inPieces(input, random))));
      return chunks
        .map(({ stream }) => stream)
        .slice(0, 4)
        .join();
    },
  },
  {
    name: 'readJsonLines',
    seeds: ['{"status":"a"}\r\n{"id":1}\n', '{"stream":"\\u00e9"}'],
    words: ['\n', '{}', 'null', '\xc3', '"'],
    async run(input, random) {
      const values = await collect(readJsonLines<unknown>(Readable.from(inPieces(input, random))));
      return `${Math.min(values.length, 9)} ${typeof values.at(-1)}`;
    },
  },
];
