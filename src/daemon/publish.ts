import { publishEvent } from '#/api/containerd/publish-event.ts';
import { readInput } from '#/daemon/read-input.ts';

const mostBytes = 4 << 20;

/** `berthd publish`: older shims run it once for each event that they have to tell. */
export async function publish(to: {
  readonly address: string;
  readonly namespace: string;
  readonly topic: string;
}): Promise<void> {
  await publishEvent({ ...to, event: await readInput(mostBytes) });
}
