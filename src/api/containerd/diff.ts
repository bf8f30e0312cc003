import { randomBytes } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { descriptorOf, mountsOf, wireDescriptor } from '#/api/containerd/descriptors.ts';
import { compressionOf, checkLayerType } from '#/api/containerd/layer-types.ts';
import { namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { storeFile } from '#/api/containerd/store-file.ts';
import { syncMounts } from '#/api/containerd/sync-mounts.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import type { ServiceFunctions } from '#/rpc/service.ts';

const uncompressedType = 'application/vnd.oci.image.layer.v1.tar';
const defaultDiffType = `${uncompressedType}+gzip`;

export type DiffFunctions = ServiceFunctions<typeof Diff>;

/**
 * Layers onto mounts and back. The work is the layers' own child process; no layer byte passes through here.
 * Payloads are for stream processors, and clients send them along with layers that need none.
 */
export function walkingDiffer(core: ContainerdCore): DiffFunctions {
  const { content, layers } = core;
  return {
    async apply({ diff, mounts: wires, payloads: sent, syncFs }, context) {
      const namespace = namespaceOf(context);
      const layer = descriptorOf(required('diff', diff));
      const mounts = mountsOf(wires);
      const { mediaType } = layer;
      checkLayerType(layers.processedType(mediaType));
      const path = content.blobPath(namespace, layer.digest);
      const applied = await layers.apply({
        path,
        mediaType,
        payloads: new Map(Object.entries(sent).map(([id, any]) => [id, toBinary(AnySchema, any)])),
        compression: 'detect',
        mounts,
        signal: context.signal,
      });
      if (syncFs || core.syncsLayers === true) await syncMounts(mounts);
      return { applied: wireDescriptor({ mediaType: uncompressedType, digest: applied.diffId, size: applied.size }) };
    },
    async diff(request, context) {
      const namespace = namespaceOf(context);
      const mediaType = request.mediaType === '' ? defaultDiffType : request.mediaType;
      const compression = compressionOf(mediaType);
      await using directory = await mkdtempDisposable(join(core.temporary, 'diff-'));
      const path = join(directory.path, 'layer');
      const diffed = await layers.diff({
        lower: mountsOf(request.left),
        upper: mountsOf(request.right),
        compression,
        path,
        ...(request.sourceDateEpoch === undefined ? {} : { sourceDateEpoch: Number(request.sourceDateEpoch.seconds) }),
        signal: context.signal,
      });
      const labels = {
        ...checkLabels('a layer', { ...request.labels }),
        ...(compression === 'none' ? {} : { [uncompressedLabel]: diffed.diffId }),
      };
      const ref = request.ref === '' ? `diff-${randomBytes(12).toString('hex')}` : request.ref;
      const { digest, size } = diffed;
      await storeFile(core, { namespace, ref, path, digest, size, labels }, context);
      return { diff: wireDescriptor({ mediaType, digest, size }) };
    },
  };
}

const uncompressedLabel = 'containerd.io/uncompressed';
