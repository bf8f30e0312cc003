import { join } from 'node:path';
import type { Output } from '#/cli/output.ts';
import { jsonText, sortedMap, timeText } from '#/cli/ctr/ctr-text.ts';
import { Kind, type Info } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Mount } from '#/gen/containerd/types/mount_pb.ts';

const kinds: Readonly<Record<number, string>> = {
  [Kind.UNKNOWN]: 'Unknown',
  [Kind.VIEW]: 'View',
  [Kind.ACTIVE]: 'Active',
  [Kind.COMMITTED]: 'Committed',
};

export const kindText = (kind: Kind): string => kinds[kind] ?? String(kind);

export function snapshotJson({ kind, name, parent, labels, createdAt, updatedAt }: Info): string {
  return jsonText({
    Kind: kindText(kind),
    Name: name,
    Parent: parent === '' ? undefined : parent,
    Labels: Object.keys(labels).length === 0 ? undefined : sortedMap(labels),
    Created: timeText(createdAt),
    Updated: timeText(updatedAt),
  });
}

/** As commands of mount(8). */
export function mountCommands(target: string, mounts: readonly Mount[]): string[] {
  return mounts.map((mount) => {
    const options = mount.options.length === 0 ? '' : ` -o ${mount.options.join(',')}`;
    return `mount -t ${mount.type} ${mount.source} ${join(target, mount.target)}${options}`;
  });
}

export function mountsJson(mounts: readonly Mount[]): string {
  return jsonText(
    mounts.map(({ type, source, target, options }) => ({
      Type: type,
      Source: source,
      Target: target,
      Options: options,
    })),
  );
}

/** What `prepare` and `view` show of what they made. */
export function printNewMounts(
  out: Output,
  flags: { readonly target: string | undefined; readonly mounts: boolean },
  mounts: readonly Mount[],
): void {
  const { target = '' } = flags;
  if (target !== '') mountCommands(target, mounts).forEach((line) => out.line(line));
  if (flags.mounts) out.line(mountsJson(mounts));
}
