import type { Socket } from 'node:net';
import type { Logger } from '#/base/log.ts';
import { shimEventsService, type HandedIn } from '#/api/containerd/events.ts';
import type { Tasks } from '#/core/tasks/contract.ts';
import { peerOf } from '#/linux/peer.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';

export interface ShimEventsOptions {
  /** Shims look for it at the gRPC socket's path with `.ttrpc` behind it. */
  readonly listen: readonly UnixAddress[];
  readonly logger: Logger;
}

export interface ShimEvents extends AsyncDisposable {
  /** Hands over what has come so far, in order, and everything that comes later. */
  deliverTo(tasks: Pick<Tasks, 'forward'>): void;
}

const mostWaiting = 10_000;

/**
 * Takes events from shims. It is opened before tasks are: a shim answers nothing else until its events are taken, so
 * those that come while tasks are being adopted wait here.
 */
export async function openShimEvents({ listen, logger }: ShimEventsOptions): Promise<ShimEvents> {
  const waiting: HandedIn[] = [];
  let receiver: Pick<Tasks, 'forward'> | undefined;
  const take = (event: HandedIn): void => {
    if (receiver !== undefined) receiver.forward(event);
    else if (waiting.length < mostWaiting) waiting.push(event);
    else logger.warn('an event of a shim is dropped: too many came before tasks were open', { topic: event.topic });
  };
  await using undo = new AsyncDisposableStack();
  const server = undo.use(createTtrpcServer({ services: [shimEventsService(take)], logger, acceptPeer: isOurs }));
  for (const address of listen) await server.listen(address);
  undo.move();
  return {
    deliverTo: (tasks) => {
      receiver = tasks;
      for (const event of waiting.splice(0)) tasks.forward(event);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Shims run as the daemon does; anybody else's word on a task's exit is worth nothing. */
function isOurs(socket: Socket): boolean {
  const { uid, gid } = peerOf(socket);
  return uid === process.geteuid?.() && gid === process.getegid?.();
}
