import type { ContainerdCore } from '#/api/containerd/core.ts';
import { walkingDiffer, type DiffFunctions } from '#/api/containerd/diff.ts';
import { namespaceOf } from '#/api/containerd/request-scope.ts';
import { EngineError, isKind } from '#/base/errors.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import type { RemoteDiffer } from '#/remote/remote-differ.ts';
import { bindService, type BoundService } from '#/rpc/service.ts';

/** Asks one differ after the other, as configured, until one can do it. */
export function diffService(core: ContainerdCore): BoundService {
  const walking = walkingDiffer(core);
  const asked = (core.differs ?? ['walking']).map((differ) => (differ === 'walking' ? walking : forwarding(differ)));
  return bindService(Diff, {
    apply: (request, context) => firstOf(asked, (differ) => differ.apply(request, context)),
    diff: (request, context) => firstOf(asked, (differ) => differ.diff(request, context)),
  });
}

const forwarding = (differ: RemoteDiffer): DiffFunctions => ({
  apply: (request, context) => differ.apply(namespaceOf(context), request, context.signal),
  diff: (request, context) => differ.diff(namespaceOf(context), request, context.signal),
});

async function firstOf<T>(
  differs: readonly DiffFunctions[],
  ask: (differ: DiffFunctions) => Promise<T> | T,
): Promise<T> {
  let refusal: unknown = new EngineError('unimplemented', 'Cannot apply or make a layer: no differ is configured');
  for (const differ of differs)
    try {
      return await ask(differ);
    } catch (error) {
      if (!isKind(error, 'unimplemented')) throw error;
      refusal = error;
    }
  throw refusal;
}
