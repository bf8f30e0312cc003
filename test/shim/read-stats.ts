/** What a container uses, as a shim tells it. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JsonObject, toJson } from '@bufbuild/protobuf';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { MetricsSchema as V1Schema } from '#/gen/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as V2Schema } from '#/gen/io/containerd/cgroups/v2/metrics_pb.ts';
import { holdsMessage, unpackMessage, valueOfAny } from '#/rpc/any.ts';
import type { ShimContainer } from './shim-place.ts';

/** As JSON with every field of every message that is there, and the type that it has. */
export async function readStats({ shim, id }: ShimContainer): Promise<JsonObject> {
  const { stats } = await shim.call(shimMethods.stats, { id });
  if (stats === undefined) throw new Error(`no stats of ${id}`);
  const value = valueOfAny(stats);
  const document = holdsMessage(value, V1Schema)
    ? toJson(V1Schema, unpackMessage(V1Schema, value), { alwaysEmitImplicit: true })
    : toJson(V2Schema, unpackMessage(V2Schema, value), { alwaysEmitImplicit: true });
  return { type: value.typeUrl, ...withSortedPages(document as JsonObject) };
}

/** The kernel's directory of page sizes has no order. */
function withSortedPages(document: JsonObject): JsonObject {
  const pages = document['hugetlb'];
  if (!Array.isArray(pages)) return document;
  return { ...document, hugetlb: pages.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}

/** Each number of it by its path: "memory.usage.limit". */
export function numbersOf(document: JsonObject, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(document).flatMap(([name, value]): [string, string][] =>
      typeof value === 'object' && value !== null
        ? [...numbersOf(value as JsonObject, `${prefix}${name}.`)]
        : [[`${prefix}${name}`, String(value)]],
    ),
  );
}

/**
 * An OCI runtime that says of a process which is there already that it is the container: a shim that runs it reads the
 * cgroup of that process.
 */
export async function writeLendingRuntime(directory: string, pid: number): Promise<string> {
  const path = join(directory, `lend-${pid}`);
  const script = `#!/bin/sh
while [ $# -gt 0 ]; do
  [ "$1" = --pid-file ] && printf %s ${pid} > "$2"
  shift
done
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}
