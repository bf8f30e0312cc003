import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import {
  ContainerSchema,
  ListContainersResponseSchema,
} from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { encodeOnce, messageOfItems } from '#/rpc/encoded-fields.ts';
import { encodeGrpcMessage } from '#/rpc/grpc-message.ts';

interface Item {
  readonly id: string;
  readonly spec: string;
}

const schema = ListContainersResponseSchema;
const { number } = schema.field.containers;
const wire = ({ id, spec }: Item) => ({ id, spec: { typeUrl: 'x', value: Buffer.from(spec) }, labels: { [id]: spec } });

test('messageOfItems() gives the bytes that the items themselves would give', () => {
  const encode = encodeOnce(ContainerSchema, wire);
  for (const items of [
    [],
    [{ id: 'a', spec: '{}' }],
    [
      { id: 'b', spec: 'x'.repeat(70_000) },
      { id: 'c', spec: '' },
    ],
  ]) {
    const once = encodeGrpcMessage(schema, messageOfItems(schema, number, items.map(encode)));
    const usual = encodeGrpcMessage(schema, { containers: items.map(wire) });
    assert.deepEqual(Buffer.concat(once), Buffer.concat(usual));
    assert.equal(fromBinary(schema, Buffer.concat(once).subarray(5)).containers.length, items.length);
  }
});

test('encodeOnce() encodes an object once, and another one like it again', () => {
  let count = 0;
  const encode = encodeOnce(ContainerSchema, (item: Item) => {
    count += 1;
    return wire(item);
  });
  const item = { id: 'a', spec: '{}' };
  assert.equal(encode(item), encode(item));
  assert.deepEqual(encode({ ...item }), encode(item));
  assert.equal(count, 2);
});
