import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { writeContent } from '#/api/containerd/content-write.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { leaseOf, namespaceOf, releaseFrom, required } from '#/api/containerd/request-scope.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import type { IngestStatus } from '#/core/content/contract.ts';
import type { ContentRecord } from '#/core/metadata/contract.ts';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';
import { lookUp, parseFilters } from '#/core/metadata/filters.ts';
import type { InfoSchema, StatusSchema } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { parseDigest } from '#/oci/digest.ts';
import type { BoundService, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

const labelsOnly = { fields: [], maps: ['labels'] };

type Functions = Partial<ServiceFunctions<typeof Content>>;

/** Blobs by digest. Write is in content-write.ts. */
export function contentService(core: ContainerdCore): BoundService {
  return bindService(Content, { ...blobs(core), ...ingests(core) });
}

function blobs({ content, events, metadata }: ContainerdCore): Functions {
  return {
    info({ digest }, context) {
      return { info: wireInfo(content.info(namespaceOf(context), parseDigest(digest))) };
    },
    async update({ info, updateMask }, context) {
      const namespace = namespaceOf(context);
      const wanted = required('info', info);
      const mask = parseFieldMask(updateMask?.paths ?? [], labelsOnly);
      const record = await content.setLabels(namespace, parseDigest(wanted.digest), (before) =>
        applyLabels(mask, before, wanted.labels),
      );
      return { info: wireInfo(record) };
    },
    async *list({ filters }, context) {
      const matches = parseFilters(filters);
      for await (const page of content.pages(namespaceOf(context))) {
        const found = page.filter(({ digest, labels }) => matches(lookUp({ digest, labels })));
        if (found.length > 0) yield { info: found.map(wireInfo) };
      }
    },
    async delete({ digest }, context) {
      const namespace = namespaceOf(context);
      const blob = parseDigest(digest);
      await content.delete(namespace, blob);
      if (leaseOf(context).lease !== undefined)
        await metadata.write((tx) => releaseFrom(tx, context, { type: 'content', id: blob }));
      events.publish(namespace, { topic: '/content/delete', digest: blob });
      return {};
    },
    async *read({ digest, offset, size }, context) {
      const range = { offset: Math.max(0, Number(offset)), length: Math.max(0, Number(size)) };
      let position = 0;
      for await (const data of content.read(namespaceOf(context), parseDigest(digest), range)) {
        context.signal.throwIfAborted();
        yield { offset: BigInt(position), data };
        position += data.length;
      }
    },
  };
}

function ingests(core: ContainerdCore): Functions {
  const { content } = core;
  return {
    async status({ ref }, context) {
      return { status: wireStatus(await content.ingestStatus(namespaceOf(context), ref)) };
    },
    async listStatuses({ filters }, context) {
      const statuses = await content.listIngests(namespaceOf(context));
      return { statuses: selectRecords(statuses, filters, ({ ref }) => ({ ref })).map(wireStatus) };
    },
    async abort({ ref }, context) {
      await content.abortIngest(namespaceOf(context), ref);
      return {};
    },
    write: (requests, context) => writeContent(core, requests, context),
  };
}

function wireInfo({ digest, size, labels, createdAt, updatedAt }: ContentRecord): MessageInitShape<typeof InfoSchema> {
  return {
    digest,
    size: BigInt(size),
    labels: { ...labels },
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
  };
}

function wireStatus(status: IngestStatus): MessageInitShape<typeof StatusSchema> {
  return {
    ref: status.ref,
    offset: BigInt(status.offset),
    total: BigInt(status.total),
    expected: status.expected,
    startedAt: timestampOf(status.startedAt),
    updatedAt: timestampOf(status.updatedAt),
  };
}
