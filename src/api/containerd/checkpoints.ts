import { randomBytes } from 'node:crypto';
import { mkdir, mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { descriptorOf, wireDescriptor } from '#/api/containerd/descriptors.ts';
import { leaseOf, namespaceOf } from '#/api/containerd/request-scope.ts';
import { storeFile } from '#/api/containerd/store-file.ts';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import type { Checkpoint } from '#/core/tasks/contract.ts';
import { CheckpointOptionsSchema, OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import type {
  CheckpointTaskRequest,
  CheckpointTaskResponseSchema,
} from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { CreateTaskRequest } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { anyOfValue, findValueOfAny, holdsMessage, unpackMessage } from '#/rpc/any.ts';
import type { CallContext } from '#/rpc/service.ts';

const stateType = 'application/vnd.containerd.container.criu.checkpoint.criu.tar';
const configType = 'application/vnd.containerd.container.checkpoint.config.v1+proto';

/** Where a CRI client says that the checkpoint lies. */
const pathAnnotation = 'RestoreFromPath';

type Answer = MessageInitShape<typeof CheckpointTaskResponseSchema>;

/**
 * Has the runtime write a task's state, and makes blobs of that and of the container's spec. A client that names a
 * directory gets the state there, and no blobs.
 */
export async function checkpointTask(
  core: ContainerdCore,
  request: CheckpointTaskRequest,
  context: CallContext,
): Promise<Answer> {
  const namespace = namespaceOf(context);
  const { containerId: id, parentCheckpoint } = request;
  const { spec } = core.metadata.read.containers.get(namespace, id);
  if (parentCheckpoint !== '')
    throw new EngineError('unimplemented', `Cannot checkpoint task "${id}": there are no incremental checkpoints`);
  const options = findValueOfAny(request.options);
  const given = { ...(options === undefined ? {} : { options }), signal: context.signal };
  const named = imagePathOf(id, options);
  if (named !== '') {
    await core.tasks.checkpoint(namespace, id, { path: named, ...given });
    return {};
  }
  await using directory = await mkdtempDisposable(join(core.temporary, 'checkpoint-'));
  const path = join(directory.path, 'image');
  await mkdir(path, { mode: 0o700 });
  await core.tasks.checkpoint(namespace, id, { path, ...given });
  const state = await storeState(core, { namespace, directory: directory.path, path }, context);
  const config = await storeConfig(core, namespace, spec, context);
  return { descriptors: [state, config].map(wireDescriptor) };
}

function imagePathOf(id: string, options: TypedValue | undefined): string {
  if (options === undefined) return '';
  if (holdsMessage(options, CheckpointOptionsSchema)) return unpackMessage(CheckpointOptionsSchema, options).imagePath;
  throw new EngineError('invalid-argument', `Cannot checkpoint task "${id}": it takes no "${options.typeUrl}"`);
}

async function storeState(
  core: ContainerdCore,
  { namespace, directory, path }: { readonly namespace: string; readonly directory: string; readonly path: string },
  context: CallContext,
): Promise<Descriptor> {
  const [empty, archive] = [join(directory, 'empty'), join(directory, 'archive')];
  await mkdir(empty);
  const bind = (source: string): { type: string; source: string; options: string[] }[] => [
    { type: 'bind', source, options: ['rbind', 'ro'] },
  ];
  const wish = { lower: bind(empty), upper: bind(path), compression: 'none', path: archive } as const;
  const { digest, size } = await core.layers.diff({ ...wish, signal: context.signal });
  const ref = `checkpoint-${randomBytes(12).toString('hex')}`;
  await storeFile(core, { namespace, ref, path: archive, digest, size, labels: {} }, context);
  return { mediaType: stateType, digest, size };
}

async function storeConfig(
  { content }: ContainerdCore,
  namespace: string,
  spec: TypedValue,
  context: CallContext,
): Promise<Descriptor> {
  const { digest, size } = await content.put(namespace, toBinary(AnySchema, anyOfValue(spec)), leaseOf(context));
  return { mediaType: configType, digest, size };
}

/** What a Create asks to go on from. */
export function checkpointOf(
  { content, layers }: ContainerdCore,
  namespace: string,
  request: CreateTaskRequest,
): Checkpoint | undefined {
  const options = findValueOfAny(request.options);
  const isRunc = options !== undefined && holdsMessage(options, OptionsSchema);
  const named = isRunc ? unpackMessage(OptionsSchema, options).criuImagePath : '';
  const path = request.checkpoint?.annotations[pathAnnotation] ?? named;
  if (path !== '') return { path };
  if (request.checkpoint === undefined) return undefined;
  const { mediaType, digest } = descriptorOf(request.checkpoint);
  if (mediaType !== stateType)
    throw new EngineError('invalid-argument', `Cannot restore from a "${mediaType}": a checkpoint is a "${stateType}"`);
  const blob = content.blobPath(namespace, digest);
  return {
    fill: async (source) => {
      const mounts = [{ type: 'bind', source, options: ['rbind', 'rw'] }];
      await layers.apply({ path: blob, compression: 'none', mounts });
    },
  };
}
