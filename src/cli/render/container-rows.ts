import type { ContainerSummary } from '#/client/container-payloads.ts';
import type { Row } from '#/cli/render/list-format.ts';
import { humanDuration, humanSize } from '#/cli/render/human-units.ts';
import { formatLocalTime } from '#/cli/render/local-time.ts';
import { formatPorts } from '#/cli/render/ports.ts';
import { ellipsis } from '#/cli/render/text-width.ts';

export const containerHeaders: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  Names: 'NAMES',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Ports: 'PORTS',
  State: 'STATE',
  Status: 'STATUS',
  Size: 'SIZE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  Networks: 'NETWORKS',
  LocalVolumes: 'LOCAL VOLUMES',
};

export interface RowOptions {
  readonly truncate: boolean;
  /** In milliseconds since 1970. */
  readonly now: number;
}

const commandLength = 20;
const mountLength = 15;

/** What `ps` shows of a container. */
export function containerRow(container: ContainerSummary, { truncate, now }: RowOptions): Row {
  const labels = container.Labels ?? {};
  const mounts = container.Mounts ?? [];
  const command = container.Command ?? '';
  return {
    ID: truncate ? container.Id.slice(0, 12) : container.Id,
    Names: namesOf(container, truncate).join(','),
    Image: imageName(container.Image, truncate),
    Command: JSON.stringify(truncate ? ellipsis(command, commandLength) : command),
    CreatedAt: formatLocalTime(container.Created),
    RunningFor: `${humanDuration(now - container.Created * 1000)} ago`,
    Ports: formatPorts(container.Ports ?? []),
    State: container.State,
    Status: container.Status,
    Size: formatSize(container),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Mounts: mounts
      .map((mount) => (mount.Name === undefined || mount.Name === '' ? (mount.Source ?? '') : mount.Name))
      .map((name) => (truncate ? ellipsis(name, mountLength) : name))
      .join(','),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
    LocalVolumes: String(mounts.filter((mount) => mount.Driver === 'local').length),
    Label: (name: string) => labels[name] ?? '',
  };
}

/** Without the slash; names by which other containers link to it are left out of short lists. */
function namesOf({ Names: names }: ContainerSummary, truncate: boolean): string[] {
  return (names ?? []).map((name) => name.replace(/^\//, '')).filter((name) => !truncate || !name.includes('/'));
}

function imageName(image: string, truncate: boolean): string {
  if (image === '') return '<no image>';
  if (!truncate) return image;
  const [, hex] = /^(?:sha256:)?([0-9a-f]{64})$/.exec(image) ?? [];
  return hex === undefined ? image : hex.slice(0, 12);
}

function formatSize({ SizeRw: written = 0, SizeRootFs: whole = 0 }: ContainerSummary): string {
  return whole > 0 ? `${humanSize(written)} (virtual ${humanSize(whole)})` : humanSize(written);
}
