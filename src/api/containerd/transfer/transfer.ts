import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { leaseOf, namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { echo } from '#/api/containerd/transfer/echo.ts';
import { exportArchive } from '#/api/containerd/transfer/export.ts';
import { importArchive } from '#/api/containerd/transfer/import.ts';
import { pull } from '#/api/containerd/transfer/pull.ts';
import { push } from '#/api/containerd/transfer/push.ts';
import type { OpenStream, Streams } from '#/api/containerd/transfer/streams.ts';
import { tag } from '#/api/containerd/transfer/tag.ts';
import type { ProgressStep, TransferVerb } from '#/api/containerd/transfer/transfer-context.ts';
import { EngineError } from '#/base/errors.ts';
import { Transfer } from '#/gen/containerd/services/transfer/v1/transfer_pb.ts';
import { ProgressSchema } from '#/gen/containerd/types/transfer/progress_pb.ts';
import { packMessage, valueOfAny } from '#/rpc/any.ts';
import type { BoundService, CallContext } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

const typePrefix = 'containerd.types.transfer.';

/** What goes from where to where, by the names of the types. */
const verbs: Readonly<Record<string, TransferVerb>> = {
  'OCIRegistry → ImageStore': pull,
  'ImageStore → OCIRegistry': push,
  'ImageStore → ImageStore': tag,
  'ImageStore → ImageExportStream': exportArchive,
  'ImageImportStream → ImageStore': importArchive,
  'ImageImportStream → ImageExportStream': echo,
};

/** Moves images between registries, the store and archives; the client's streams carry what a call cannot. */
export function transferService(core: ContainerdCore, streams: Streams): BoundService {
  return bindService(Transfer, {
    async transfer(request, context) {
      const [source, destination] = [request.source, request.destination].map((any) =>
        valueOfAny(required('source or destination', any)),
      );
      if (source === undefined || destination === undefined) return {};
      const verb = verbs[`${shortName(source.typeUrl)} → ${shortName(destination.typeUrl)}`];
      if (verb === undefined)
        throw new EngineError('unimplemented', `Cannot transfer from ${source.typeUrl} to ${destination.typeUrl}`);
      const namespace = namespaceOf(context);
      // The operation has a lease of its own; one that the client names must exist all the same.
      const { lease } = leaseOf(context);
      if (lease !== undefined) core.metadata.read.leases.get(namespace, lease);
      await using used = useStreams(streams, context);
      using teller = openTeller(used, request.options?.progressStream ?? '');
      const { signal } = context;
      const [{ tell }, { useStream }] = [teller, used];
      await verb({ core, streams, namespace, signal, tell, useStream }, source, destination);
      return {};
    },
  });
}

function shortName(typeUrl: string): string {
  const name = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  return name.startsWith(typePrefix) ? name.slice(typePrefix.length) : name;
}

interface UsedStreams extends AsyncDisposable {
  readonly useStream: (id: string) => OpenStream;
}

/** How long the answer waits for what was told before it to go. */
const patience = 1000;

/** Gives a transfer its streams, and closes them with it. */
function useStreams(streams: Streams, context: CallContext): UsedStreams {
  const namespace = namespaceOf(context);
  const used: OpenStream[] = [];
  return {
    useStream: (id) => {
      const stream = streams.get(namespace, id);
      used.push(stream);
      return stream;
    },
    [Symbol.asyncDispose]: async () => {
      for (const stream of used) stream.close();
      const timer = new AbortController();
      const waited = sleep(patience, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([Promise.all(used.map(({ ended }) => ended)), waited]);
      timer.abort();
    },
  };
}

interface Teller extends Disposable {
  readonly tell: (step: ProgressStep) => void;
}

/**
 * Clients draw anew when they hear of a part: the last one is repeated, so that the closing words are seen. What was
 * saved they count, so that is told once.
 */
function openTeller({ useStream }: UsedStreams, id: string): Teller {
  if (id === '') return { tell: () => {}, [Symbol.dispose]: () => {} };
  const stream = useStream(id);
  let part: ProgressStep | undefined;
  const send = (step: ProgressStep): void => stream.offer(packMessage(ProgressSchema, step));
  return {
    tell: (step) => {
      if ((step.name ?? '') !== '' && step.event !== 'saved') part = step;
      send(step);
    },
    [Symbol.dispose]: () => {
      if (part !== undefined) send(part);
    },
  };
}
