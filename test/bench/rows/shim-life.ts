import type { Place } from '../place.ts';
import { compare, type Row } from '../row.ts';
import { timed } from '../samples.ts';
import { openShimRig, shimPrograms, type ShimContainer, type ShimRig } from '../shim-rig.ts';

const budget = { kind: 'ratio', most: 0.7 } as const;

export const shimLife: Row = {
  name: 'shim-life',
  about: 'a container by its shim alone: start of the shim, create, start, exit, delete',
  measure: async ({ place, runs }) => {
    await using rigs = await openRigs(place);
    const { berth, go } = rigs;
    return [
      ...(await compare(runs, {
        what: 'shim: start of it, create, start and exit of `true`',
        unit: 'ms',
        berth: () => untilExit(berth),
        peers: [{ name: 'Go shim', subject: () => untilExit(go), budget }],
      })),
      ...(await compare(runs, {
        what: 'shim: the same, delete and shutdown',
        unit: 'ms',
        berth: () => wholeLife(berth),
        peers: [{ name: 'Go shim', subject: () => wholeLife(go), budget }],
      })),
      ...(await compare(
        { warmups: 1, rounds: 3 },
        {
          what: 'shim: 100 containers at once, to their exits',
          unit: 'ms',
          berth: () => timed(() => manyAtOnce(berth)),
          peers: [{ name: 'Go shim', subject: () => timed(() => manyAtOnce(go)) }],
        },
      )),
    ];
  },
};

interface Rigs extends AsyncDisposable {
  readonly berth: ShimRig;
  readonly go: ShimRig;
}

export async function openRigs(place: Place): Promise<Rigs> {
  await using stack = new AsyncDisposableStack();
  const berth = stack.use(await openShimRig(place, shimPrograms.berth));
  const go = stack.use(await openShimRig(place, shimPrograms.go));
  const open = stack.move();
  return { berth, go, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function run(container: ShimContainer): Promise<void> {
  await container.create();
  const exit = container.wait();
  await container.begin();
  const status = await exit;
  if (status !== 0) throw new Error(`container "${container.bundle.key.id}" ended with ${status}`);
}

async function untilExit(rig: ShimRig): Promise<number> {
  const start = await rig.prepare(['/bin/true']);
  const begin = performance.now();
  const container = await start();
  await run(container);
  const took = performance.now() - begin;
  await container.end();
  return took;
}

async function wholeLife(rig: ShimRig): Promise<number> {
  const start = await rig.prepare(['/bin/true']);
  return await timed(async () => {
    const container = await start();
    await run(container);
    await container.end();
  });
}

/** None may fail. */
async function manyAtOnce(rig: ShimRig): Promise<void> {
  const containers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const container = await rig.start(['/bin/true']);
      await run(container);
      return container;
    }),
  );
  await Promise.all(containers.map((container) => container.end()));
}
