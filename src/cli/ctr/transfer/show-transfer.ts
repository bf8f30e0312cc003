import { BoundedQueue } from '#/base/bounded-queue.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { transfer, type TransferWish } from '#/client/containerd/transfer.ts';
import type { ProgressMessage } from '#/client/image-payloads.ts';
import type { Output } from '#/cli/output.ts';
import { showProgress } from '#/cli/progress/show-progress.ts';
import { terminalShape } from '#/cli/progress/terminal-shape.ts';
import type { Progress } from '#/gen/containerd/types/transfer/progress_pb.ts';

const mostWaiting = 4096;

/** Carries out a transfer and shows how far it is. */
export async function showTransfer(
  client: ContainerdClient,
  { err }: { readonly err: Output },
  prepare: (leased: ContainerdClient) => Promise<Omit<TransferWish, 'onProgress'>>,
): Promise<void> {
  const messages = new BoundedQueue<ProgressMessage>(mostWaiting);
  const isNews = newsOnly();
  const shown = showProgress(messages, { output: err, shape: terminalShape(2, process.env) });
  try {
    await transfer(client, async (leased) => {
      const onProgress = (progress: Progress): void => {
        // Progress that does not fit is not worth waiting for.
        if (isNews(progress)) messages.offer(messageOf(progress));
      };
      return { ...(await prepare(leased)), onProgress };
    });
  } finally {
    messages.close();
    await shown;
  }
}

/** Words for what is done: the bars know them. */
const words: Readonly<Record<string, string>> = {
  waiting: 'Waiting',
  downloading: 'Downloading',
  uploading: 'Pushing',
  extracting: 'Extracting',
  extracted: 'Unpack complete',
  'already exists': 'Already exists',
};

const ends: ReadonlySet<string> = new Set(['complete', 'extracted', 'already exists']);

/** Daemons say of what they are done with, late and once more, that it exists. */
export function newsOnly(): (progress: Pick<Progress, 'event' | 'name'>) => boolean {
  const ended = new Map<string, string>();
  return ({ event, name }) => {
    const before = ended.get(name);
    if (before !== undefined) return event !== before && event !== 'already exists';
    if (ends.has(event) && ended.size < mostWaiting) ended.set(name, event);
    return true;
  };
}

export function messageOf({ event, name, parents, progress, total }: Progress): ProgressMessage {
  if (name === '') return { status: event };
  const id = shortName(name);
  if (event === 'saved') return { status: `${event} ${name}` };
  if (parents.length === 0) return { status: `${event}: ${id}` };
  const status = words[event] ?? event;
  return { id, status, progressDetail: { current: Number(progress), total: Number(total) } };
}

/** `layer-sha256:0123…` → `layer 0123456789ab`. */
const shortName = (name: string): string => name.replace(/-?sha256:([0-9a-f]{12})[0-9a-f]{52}/g, ' $1').trim();
