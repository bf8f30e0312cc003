import type { PortSummary } from '#/client/container-payloads.ts';

interface Range {
  readonly host: string;
  readonly type: string;
  readonly offset: number;
  first: number;
  last: number;
}

/** `0.0.0.0:8080-8081->80-81/tcp, 443/tcp`: neighbours that are published alike become one range. */
export function formatPorts(ports: readonly PortSummary[]): string {
  const ranges: Range[] = [];
  const sorted = [...ports].sort(
    (left, right) =>
      left.Type.localeCompare(right.Type) ||
      (left.IP ?? '').localeCompare(right.IP ?? '') ||
      left.PrivatePort - right.PrivatePort,
  );
  for (const { IP: host = '', Type: type, PrivatePort: port, PublicPort: published = 0 } of sorted) {
    const offset = published === 0 ? 0 : published - port;
    const isPublished = published !== 0;
    const key = isPublished ? bracketed(host) : '';
    const last = ranges.at(-1);
    if (
      last !== undefined &&
      last.type === type &&
      last.host === key &&
      last.offset === offset &&
      last.last + 1 === port
    )
      last.last = port;
    else ranges.push({ host: key, type, offset, first: port, last: port });
  }
  return ranges.map(formatRange).join(', ');
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]:` : `${host}:`);

function formatRange({ host, type, offset, first, last }: Range): string {
  const span = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`);
  const inside = `${span(first, last)}/${type}`;
  return host === '' ? inside : `${host}${span(first + offset, last + offset)}->${inside}`;
}
