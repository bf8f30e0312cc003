/** What a kubelet asks all day long: records got, changed and listed, alone and by many clients at once. */
import { startBerth, type Berth } from '../berth.ts';
import { openMetadataClient, type MetadataClient } from '../metadata-client.ts';
import { startContainerd, startContainerd2, type Containerd } from '../peers.ts';
import { openPlace, type Place } from '../place.ts';
import { compare, type Line, type Row } from '../row.ts';
import { timed, type Rounds, type Samples } from '../samples.ts';

const callsPerRound = 400;
const clients = 16;
const callsPerClient = 200;
const [containers, blobs] = [1000, 10_000];

export const metadataCalls: Row = {
  name: 'metadata-calls',
  about: "p50 and p99 of single calls over containerd's API: a container got, and its label changed",
  measure: (bench) =>
    withDaemons(bench.place, { containers: 1 }, async (daemons) => [
      ...(await compareCalls(bench.runs, daemons, {
        what: 'Containers.Get',
        calls: (client) => client.gets(callsPerRound),
      })),
      ...(await compareCalls(bench.runs, daemons, {
        what: 'Containers.Update',
        calls: (client) => client.updates(callsPerRound),
      })),
    ]),
};

export const metadataLists: Row = {
  name: 'metadata-lists',
  about: `${containers} containers and ${blobs} content records listed`,
  // In memory: making the records is not what is measured, and on a disk it takes minutes.
  measure: async (bench) => {
    await using place = await openPlace('/dev/shm');
    return await withDaemons(place, { containers, blobs }, async (daemons) => [
      ...(await compareWork(bench.runs, daemons, {
        what: `list ${containers} containers`,
        work: (client) => client.listContainers(),
      })),
      ...(await compareWork(bench.runs, daemons, {
        what: `list ${blobs} content records`,
        work: (client) => client.listContent(),
      })),
    ]);
  },
};

export const metadataClients: Row = {
  name: 'metadata-clients',
  about: `${clients} clients at once, ${callsPerClient} calls each`,
  measure: async (bench) =>
    withDaemons(bench.place, { containers: 1 }, async (daemons) => {
      await using more = new AsyncDisposableStack();
      const crowds = new Map<MetadataClient, readonly MetadataClient[]>();
      for (const { address, client } of daemons.all) {
        const crowd = [client];
        while (crowd.length < clients) crowd.push(more.use(await openMetadataClient(address, { containers: 0 })));
        crowds.set(client, crowd);
      }
      return await compareWork(bench.runs, daemons, {
        what: `${clients} clients × ${callsPerClient} Containers.Get`,
        work: (client) => timed(() => Promise.all((crowds.get(client) ?? []).map((each) => each.gets(callsPerClient)))),
      });
    }),
};

interface Opened {
  readonly name: string;
  readonly address: string;
  readonly client: MetadataClient;
}

interface Daemons {
  readonly berth: Berth;
  readonly own: Opened;
  readonly others: readonly Opened[];
  readonly all: readonly Opened[];
}

type Records = Parameters<typeof openMetadataClient>[1];

async function withDaemons<T>(place: Place, records: Records, work: (daemons: Daemons) => Promise<T>): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const berth = stack.use(await startBerth(place));
  const peers: readonly (Containerd | undefined)[] = [await startContainerd(place), await startContainerd2(place)];
  const open = async (name: string, address: string): Promise<Opened> => ({
    name,
    address,
    client: stack.use(await openMetadataClient(address, records)),
  });
  const own = await open('berth', berth.address);
  const others: Opened[] = [];
  for (const peer of peers) if (peer !== undefined) others.push(await open(peer.name, stack.use(peer).address));
  return await work({ berth, own, others, all: [own, ...others] });
}

interface Calls {
  readonly what: string;
  readonly calls: (client: MetadataClient) => Promise<number[]>;
}

/** One pass per round; p50 and p99 are those of all calls of a round. */
async function compareCalls(rounds: Rounds, daemons: Daemons, { what, calls }: Calls): Promise<Line[]> {
  const slow = new Map<string, number[]>();
  const subject =
    ({ name, client }: Opened) =>
    async (): Promise<number> => {
      const times = (await calls(client)).sort((a, b) => a - b);
      const found = slow.get(name) ?? [];
      found.push(times[Math.floor(times.length * 0.99)] ?? Number.NaN);
      slow.set(name, found);
      return times[Math.floor(times.length / 2)] ?? Number.NaN;
    };
  const lines = await compare(rounds, {
    what: `${what}, p50`,
    unit: 'ms',
    berth: () => daemons.berth.watched(subject(daemons.own)),
    peers: daemons.others.map((other) => ({ name: other.name, subject: subject(other) })),
    loop: daemons.berth.loopDelay,
  });
  const counted = (name: string): Samples => (slow.get(name) ?? []).slice(-rounds.rounds);
  const tails = lines.map(({ peer, ...line }): Line => ({
    ...line,
    what: `${what}, p99`,
    berth: counted('berth'),
    ...(peer === undefined ? {} : { peer: { name: peer.name, samples: counted(peer.name) } }),
  }));
  return [...lines, ...tails];
}

interface Work {
  readonly what: string;
  readonly work: (client: MetadataClient) => Promise<number>;
}

async function compareWork(rounds: Rounds, { berth, own, others }: Daemons, { what, work }: Work): Promise<Line[]> {
  return await compare(rounds, {
    what,
    unit: 'ms',
    berth: () => berth.watched(() => work(own.client)),
    peers: others.map(({ name, client }) => ({ name, subject: () => work(client) })),
    loop: berth.loopDelay,
  });
}
