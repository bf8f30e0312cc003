/** The table that people read. A verdict never stands without its figures. */
import type { Line } from './row.ts';
import { median, type Samples } from './samples.ts';

/** Event-loop delay p99 in ms that no row may exceed. */
const mostLoopDelay = 20;

const headings = ['measure', 'berth', 'peer', 'peer’s', 'ratio', 'budget', 'met?', 'loop delay p99 / max'] as const;

export function formatTable(lines: readonly Line[]): string {
  const rows = [headings, ...lines.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const formatted = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [formatted[0], rule, ...formatted.slice(1)].join('\n');
}

function cellsOf(line: Line): string[] {
  const { what, unit, berth, peer } = line;
  return [
    what,
    formatSamples(berth, unit),
    peer?.name ?? 'none on this machine',
    peer === undefined ? '' : formatSamples(peer.samples, unit),
    peer === undefined ? '' : `${ratioOf(line).toFixed(2)}×`,
    formatBudget(line),
    verdict(line),
    formatLoop(line),
  ];
}

const ratioOf = ({ berth, peer }: Line): number => median(berth) / median(peer?.samples ?? []);

/** Median, and the spread behind it. */
function formatSamples(samples: Samples, unit: Line['unit']): string {
  const round = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  const spread = samples.length === 1 ? '' : ` (${round(Math.min(...samples))}–${round(Math.max(...samples))})`;
  return `${round(median(samples))} ${unit}${spread}`;
}

function formatBudget({ budget, unit }: Line): string {
  if (budget === undefined) return '–';
  return budget.kind === 'ratio' ? `≤ ${budget.most}×` : `≤ ${budget.most} ${unit}`;
}

function verdict(line: Line): string {
  const { budget, berth } = line;
  if (budget === undefined) return '';
  const value = budget.kind === 'ratio' ? ratioOf(line) : median(berth);
  return value <= budget.most ? 'yes' : 'MISSED';
}

function formatLoop({ loop }: Line): string {
  if (loop === undefined) return '–';
  const { p99, max } = loop;
  return `${p99.toFixed(1)} / ${max.toFixed(1)} ms${p99 <= mostLoopDelay ? '' : ` MISSED (≤ ${mostLoopDelay})`}`;
}
