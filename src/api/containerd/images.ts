import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { descriptorOf, wireDescriptor } from '#/api/containerd/descriptors.ts';
import type { FilterFields } from '#/api/containerd/select-records.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { leaseOf, namespaceOf, releaseFrom, required } from '#/api/containerd/request-scope.ts';
import { nanosecondsOf, timestampOf } from '#/api/containerd/timestamps.ts';
import type { Labels } from '#/base/any.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ImageRecord, Transaction } from '#/core/metadata/contract.ts';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';
import type { Image, ImageSchema } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import type { BoundService, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

type Functions = Partial<ServiceFunctions<typeof Images>>;

/** Names for content. Nothing checks that the content is there: clients make the name first and fill it in. */
export function imagesService(core: ContainerdCore): BoundService {
  return bindService(Images, { ...lookingUp(core), ...changing(core), ...deleting(core) });
}

function lookingUp({ metadata }: ContainerdCore): Functions {
  const { images } = metadata.read;
  return {
    get: ({ name }, context) => ({ image: wireImage(images.get(namespaceOf(context), name)) }),
    list: ({ filters }, context) => ({
      images: selectRecords(images.list(namespaceOf(context)), filters, fieldsOf).map(wireImage),
    }),
  };
}

function changing({ metadata, events }: ContainerdCore): Functions {
  return {
    async create({ image, sourceDateEpoch }, context) {
      const namespace = namespaceOf(context);
      const { lease } = leaseOf(context);
      const time = sourceDateEpoch === undefined ? now() : nanosecondsOf(sourceDateEpoch);
      const record = { ...readImage(required('image', image)), createdAt: time, updatedAt: time };
      await metadata.write((tx) => {
        tx.images.create(namespace, record);
        leaseImage(tx, { namespace, lease, image: record });
      });
      events.publish(namespace, { topic: '/images/create', name: record.name, labels: record.labels });
      return { image: wireImage(record) };
    },
    async update({ image, updateMask, sourceDateEpoch }, context) {
      const namespace = namespaceOf(context);
      const { lease } = leaseOf(context);
      const wanted = required('image', image);
      if (wanted.name === '') throw new EngineError('invalid-argument', 'Cannot update an image: it has no name');
      const updatedAt = sourceDateEpoch === undefined ? now() : nanosecondsOf(sourceDateEpoch);
      const record = await metadata.write((tx) => {
        const changed = {
          ...changeImage(tx.images.get(namespace, wanted.name), wanted, updateMask?.paths ?? []),
          updatedAt,
        };
        tx.images.update(namespace, changed);
        leaseImage(tx, { namespace, lease, image: changed });
        return changed;
      });
      events.publish(namespace, { topic: '/images/update', name: record.name, labels: record.labels });
      return { image: wireImage(record) };
    },
  };
}

interface LeaseImage {
  readonly namespace: string;
  readonly lease: string | undefined;
  readonly image: ImageRecord;
}

/** Only an image that is to expire needs the lease: others are roots themselves. */
function leaseImage(tx: Transaction, { namespace, lease, image: { name, labels } }: LeaseImage): void {
  if (lease !== undefined && expireLabel in labels) tx.addLeaseResource(namespace, lease, { type: 'images', id: name });
}

function deleting({ metadata, events, garbage }: ContainerdCore): Functions {
  return {
    async delete({ name, sync, target }, context) {
      const namespace = namespaceOf(context);
      await metadata.write((tx) => {
        const stored = tx.images.get(namespace, name).target.digest;
        if (target !== undefined && target.digest !== '' && target.digest !== stored)
          throw new EngineError(
            'not-found',
            `Cannot delete image "${name}": it is "${stored}", not "${target.digest}"`,
          );
        tx.images.delete(namespace, name);
        releaseFrom(tx, context, { type: 'images', id: name });
      });
      events.publish(namespace, { topic: '/images/delete', name });
      if (sync) await garbage.collect();
      return {};
    },
  };
}

const expireLabel = 'containerd.io/gc.expire';

const fieldsOf = ({ name, target, labels }: ImageRecord): FilterFields => ({
  name,
  target: { digest: target.digest, mediatype: target.mediaType },
  labels,
  annotations: target.annotations ?? {},
});

type Wanted = Omit<ImageRecord, 'createdAt' | 'updatedAt'>;

function readImage(wire: Image): Wanted {
  if (wire.name === '') throw new EngineError('invalid-argument', 'Cannot store an image: it has no name');
  const target = descriptorOf(required('target', wire.target));
  if (target.size <= 0)
    throw new EngineError('invalid-argument', `Cannot store image "${wire.name}": its target's size is ${target.size}`);
  return { name: wire.name, target, labels: checkLabels(`image "${wire.name}"`, { ...wire.labels }) };
}

const changeable = { fields: ['target'], maps: ['labels', 'annotations'] };

function changeImage(before: ImageRecord, wire: Image, paths: readonly string[]): ImageRecord {
  const mask = parseFieldMask(paths, changeable);
  const labels = checkLabels(`image "${before.name}"`, applyLabels(mask, before.labels, wire.labels));
  const target = mask.replaces('target') ? readImage(wire).target : before.target;
  const annotations = applyLabels(mask, target.annotations ?? {}, wire.target?.annotations ?? {}, 'annotations');
  return { ...before, labels, target: withAnnotations(target, annotations) };
}

function withAnnotations({ annotations: _before, ...target }: Descriptor, annotations: Labels): Descriptor {
  return Object.keys(annotations).length === 0 ? target : { ...target, annotations };
}

function wireImage(record: ImageRecord): MessageInitShape<typeof ImageSchema> {
  return {
    name: record.name,
    labels: { ...record.labels },
    target: wireDescriptor(record.target),
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
  };
}
