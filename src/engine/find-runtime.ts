import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import type { EngineContext } from '#/engine/context.ts';

type Runtime = ContainerRecord['runtime'];

/** `io.containerd.kata.v2` names a shim itself. */
const shimName = /^io\.containerd\.[\w-]+\.v\d+$/;

/** The runtime that a container asks for by a name of the table or a shim's; '' asks for the usual one. */
export async function findRuntime(context: EngineContext, wanted: string): Promise<Runtime> {
  const runtime = wanted === '' ? usualRuntime(context) : namedRuntime(context, wanted);
  try {
    await context.tasks.checkRuntime(runtime.name);
    return runtime;
  } catch (error) {
    // Clients take "not found" for a missing image.
    if (!isKind(error, 'not-found')) throw error;
    throw new EngineError('invalid-argument', messageOf(error), { cause: error });
  }
}

/** A shim's name, other than one of the table, leaves the OCI runtime to berth. */
function usualRuntime(context: EngineContext): Runtime {
  const { runtime, runtimes, preferRuntime } = context;
  const usual = namedRuntime(context, runtime);
  return runtimes.has(runtime) ? usual : preferRuntime(usual);
}

function namedRuntime({ runtimes }: EngineContext, name: string): Runtime {
  const known = runtimes.get(name);
  if (known !== undefined) return known;
  if (shimName.test(name)) return { name };
  throw new EngineError(
    'invalid-argument',
    `Cannot use runtime "${name}": unknown or invalid runtime name; there are ${[...runtimes.keys()].join(', ')}, and the configuration's "containerd.runtimes" can name more`,
  );
}
