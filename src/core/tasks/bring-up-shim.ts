import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import type { Bundle } from '#/core/tasks/bundle.ts';
import { writeEndpoint } from '#/core/tasks/endpoint-file.ts';
import { startShim } from '#/core/tasks/run-shim.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { parseEndpoint } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { dialShim } from '#/core/tasks/shim-client.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';

/** A shim that is spoken to. */
export interface ShimProcess {
  readonly endpoint: ShimEndpoint;
  readonly shim: ShimClient;
  readonly log: Disposable;
}

export interface BringUp {
  readonly bundle: Bundle;
  readonly binary: string;
  readonly options: TypedValue | undefined;
}

/** Starts a shim in its bundle and connects to it. What `undo` then holds lets go of it; it does not end it. */
export async function bringUpShim(
  host: TaskHost,
  undo: AsyncDisposableStack,
  { bundle, binary, options }: BringUp,
): Promise<ShimProcess> {
  const { logger, shims } = host.context;
  const [dialect, log] = await Promise.all([host.dialects.of(binary), openShimLog(bundle, logger)]);
  undo.use(log);
  const endpoint = await startShim({ binary, bundle, addresses: shims }, dialect, options);
  return { ...(await joinShim(undo, bundle, endpoint)), log };
}

/** Connects to a shim that runs already, and notes in the bundle where it listens. */
export async function joinShim(
  undo: AsyncDisposableStack,
  bundle: Bundle,
  endpoint: ShimEndpoint,
): Promise<Omit<ShimProcess, 'log'>> {
  const dialing = dialShim(bundle.key.namespace, endpoint).then((opened) => {
    undo.defer(() => opened.close());
    return opened;
  });
  const [shim] = await Promise.all([dialing, writeEndpoint(bundle, endpoint)]);
  return { endpoint, shim };
}

/** Reads an address such as `ttrpc+unix:///path`, at which a client says that tasks are served. */
export function parseTaskApi(address: string, version: number): ShimEndpoint {
  const [, protocol, socket] = /^([a-z]+)\+(.+)$/s.exec(address) ?? [];
  if (protocol === undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot use task API address ${JSON.stringify(address.slice(0, 200))}: write it as "ttrpc+unix:///PATH"`,
    );
  return parseEndpoint(JSON.stringify({ version, protocol, address: socket }));
}
