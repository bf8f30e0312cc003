import type { ContainerdCore } from '#/api/containerd/core.ts';
import { targetedMountsOf } from '#/api/containerd/descriptors.ts';
import { namespaceOf } from '#/api/containerd/request-scope.ts';
import { readSandbox } from '#/api/containerd/sandbox-records.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { SandboxRecord } from '#/core/metadata/contract.ts';
import type { CreateSandbox, Sandboxes } from '#/core/tasks/sandbox-contract.ts';
import type { ControllerCreateRequest } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';
import { Controller } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';
import { anyOfValue, findAnyOfValue, findValueOfAny } from '#/rpc/any.ts';
import type { BoundService, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

type Functions = Partial<ServiceFunctions<typeof Controller>>;

/** What runs sandboxes: one controller, `shim`. Platform answers `unimplemented`, as containerd's does. */
export function sandboxControllersService(core: ContainerdCore): BoundService {
  return bindService(Controller, { ...lifecycle(core), ...looking(core) });
}

function lifecycle({ tasks, metadata }: ContainerdCore): Functions {
  return {
    async create(request, context) {
      const namespace = namespaceOf(context);
      const { id, sandbox } = createOf(request, (stored) => metadata.read.sandboxes.get(namespace, stored));
      await controllerOf(tasks, request).create(namespace, id, sandbox);
      return { sandboxId: id };
    },
    async start(request, context) {
      const { sandboxId } = request;
      const { pid, createdAt } = await controllerOf(tasks, request).start(namespaceOf(context), sandboxId);
      return { sandboxId, pid, createdAt: timestampOf(createdAt) };
    },
    async stop(request, context) {
      await controllerOf(tasks, request).stop(namespaceOf(context), request.sandboxId, request.timeoutSecs);
      return {};
    },
    async shutdown(request, context) {
      await controllerOf(tasks, request).shutdown(namespaceOf(context), request.sandboxId);
      return {};
    },
  };
}

function looking({ tasks, logger }: ContainerdCore): Functions {
  return {
    async wait(request, context) {
      const namespace = namespaceOf(context);
      const exit = await controllerOf(tasks, request).wait(namespace, request.sandboxId, context.signal);
      return { exitStatus: exit.exitStatus, exitedAt: timestampOf(exit.exitedAt) };
    },
    async status(request, context) {
      const { sandboxId } = request;
      const found = await controllerOf(tasks, request).status(namespaceOf(context), sandboxId, request.verbose);
      if (found === undefined) return { sandboxId, exitedAt: timestampOf(now()) };
      const { pid, state, info, createdAt, exitedAt } = found;
      const extra = findAnyOfValue(found.extra);
      const times = { createdAt: timestampOf(createdAt), exitedAt: timestampOf(exitedAt) };
      return { sandboxId, pid, state, info: { ...info }, ...times, ...(extra === undefined ? {} : { extra }) };
    },
    async metrics(request, context) {
      const { id, timestamp, data } = await controllerOf(tasks, request).metrics(
        namespaceOf(context),
        request.sandboxId,
      );
      const packed = data === undefined ? {} : { data: anyOfValue(data) };
      return { metrics: { id, timestamp: timestampOf(timestamp), ...packed } };
    },
    update(request, context) {
      const namespace = namespaceOf(context);
      controllerOf(tasks, request);
      if (request.sandbox === undefined)
        throw new EngineError('invalid-argument', `Cannot update sandbox "${request.sandboxId}": none is given`);
      // Shims have no call for it; containerd answers the same.
      logger.debug('a shim takes no update of its sandbox', { namespace, sandbox: request.sandboxId });
      return {};
    },
  };
}

function controllerOf(
  { sandboxes }: { readonly sandboxes: Sandboxes },
  { sandboxer }: { readonly sandboxer: string },
): Sandboxes {
  if (sandboxer === 'shim') return sandboxes;
  if (sandboxer === '')
    throw new EngineError('invalid-argument', 'Cannot use a sandbox controller: the request names none');
  const why = sandboxer === 'podsandbox' ? 'it is a part of CRI, which berth does not serve yet' : 'there is none';
  throw new EngineError('not-found', `Cannot use sandbox controller ${JSON.stringify(sandboxer)}: ${why}`);
}

/** Older clients send the id alone; the sandbox is then the stored one. */
function createOf(
  request: ControllerCreateRequest,
  stored: (id: string) => SandboxRecord,
): { readonly id: string; readonly sandbox: CreateSandbox } {
  const { sandbox: wire, rootfs, netnsPath, annotations } = request;
  const id = request.sandboxId === '' ? (wire?.sandboxId ?? '') : request.sandboxId;
  if (wire !== undefined && wire.sandboxId !== id)
    throw new EngineError('invalid-argument', `Cannot create sandbox "${id}": the one given is "${wire.sandboxId}"`);
  const record = wire === undefined ? stored(id) : readSandbox(wire);
  const options = findValueOfAny(request.options);
  const given = options === undefined ? {} : { options };
  return {
    id,
    sandbox: { record, rootfs: targetedMountsOf(rootfs), netnsPath, annotations: { ...annotations }, ...given },
  };
}
