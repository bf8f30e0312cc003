import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** How late timers of an event loop were, in ms, over all windows so far. */
export interface LoopDelay {
  readonly p99: number;
  readonly max: number;
}

/** Opens a window of measuring in the berthd whose preload listens there; closing it gives the delays until now. */
export async function openLoopWindow(socketPath: string): Promise<() => Promise<LoopDelay>> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  const [begun] = (await once(socket, 'data')) as [Buffer];
  if (begun.toString() !== 'measuring\n')
    throw new Error(`Cannot measure the event loop: it said "${begun.toString()}"`);
  return async () => {
    socket.end();
    return JSON.parse(await text(socket)) as LoopDelay;
  };
}

/** Of two daemons, the worse of each. */
export function worseOf(one: LoopDelay | undefined, other: LoopDelay | undefined): LoopDelay | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { p99: Math.max(one.p99, other.p99), max: Math.max(one.max, other.max) };
}
