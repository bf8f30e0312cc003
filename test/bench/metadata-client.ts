/** A warm client that only asks and tells: records, no processes. The same for berth and containerd. */
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { WriteAction } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { digestOf } from '#/oci/digest.ts';
import { openGrpcClient, type GrpcClient } from '#/rpc/grpc-client.ts';
import { timed } from './samples.ts';

const options = { metadata: { 'containerd-namespace': 'bench' } };
const inLease = { metadata: { 'containerd-namespace': 'bench', 'containerd-lease': 'bench' } };
const atOnce = 16;

export interface MetadataClient extends AsyncDisposable {
  /** ms of each of so many gets of one container, one after the other. */
  gets(count: number): Promise<number[]>;
  /** ms of each of so many updates of one container's label, one after the other. */
  updates(count: number): Promise<number[]>;
  listContainers(): Promise<number>;
  listContent(): Promise<number>;
}

/** Makes so many records unless they are there. */
export async function openMetadataClient(
  address: string,
  { containers = 1, blobs = 0 }: { readonly containers?: number; readonly blobs?: number },
): Promise<MetadataClient> {
  const client = await openGrpcClient(address);
  if (blobs > 0) await client.unary(Leases.method.create, { id: 'bench' }, options);
  await inTurns(containers, (at) => createContainer(client, `box-${at}`));
  await inTurns(blobs, (at) => writeBlob(client, `blob ${at}`));
  const get = () => client.unary(Containers.method.get, { id: 'box-0' }, options);
  let value = 0;
  const update = () => client.unary(Containers.method.update, relabel(`v${value++}`), options);
  return {
    gets: (count) => timesOf(count, get),
    updates: (count) => timesOf(count, update),
    listContainers: () =>
      timed(async () => {
        const { containers: listed } = await client.unary(Containers.method.list, {}, options);
        if (listed.length !== containers) throw new Error(`${listed.length} containers are listed, not ${containers}`);
      }),
    listContent: () =>
      timed(async () => {
        let count = 0;
        for await (const { info } of client.serverStream(Content.method.list, {}, options)) count += info.length;
        if (count !== blobs) throw new Error(`${count} blobs are listed, not ${blobs}`);
      }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

const relabel = (value: string) => ({
  container: { id: 'box-0', labels: { turn: value } },
  updateMask: { paths: ['labels.turn'] },
});

async function timesOf(count: number, call: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) times.push(await timed(call));
  return times;
}

async function inTurns(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const workers = Array.from({ length: atOnce }, async () => {
    while (next < count) await work(next++);
  });
  await Promise.all(workers);
}

async function createContainer(client: GrpcClient, id: string): Promise<void> {
  const labels = { 'io.kubernetes.pod.name': `pod-of-${id}`, 'io.kubernetes.pod.namespace': 'bench' };
  const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.alloc(4000, ' {}') };
  const container = {
    id,
    image: 'docker.io/library/hello:latest',
    labels,
    spec,
    runtime: { name: 'io.containerd.runc.v2' },
  };
  await client.unary(Containers.method.create, { container }, options);
}

async function writeBlob(client: GrpcClient, text: string): Promise<void> {
  const data = Buffer.from(text);
  const expected = digestOf(data);
  const total = BigInt(data.length);
  const requests = [{ action: WriteAction.COMMIT, ref: expected, data, offset: 0n, total, expected }];
  const answers = client.bidi(
    Content.method.write,
    (async function* () {
      yield* requests;
    })(),
    inLease,
  );
  for await (const _ of answers);
}
