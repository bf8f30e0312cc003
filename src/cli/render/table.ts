import { textWidth } from '#/cli/render/text-width.ts';

export interface TableShape {
  /** The narrowest column, its gap included. */
  readonly narrowest: number;
  readonly gap: number;
}

const dockerShape: TableShape = { narrowest: 10, gap: 3 };

/** Aligned columns, as docker spaces them; the last cell of a row is not padded. */
export function formatTable(rows: readonly (readonly string[])[], shape: TableShape = dockerShape): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.slice(0, -1).entries())
      widths[at] = Math.max(widths[at] ?? shape.narrowest, textWidth(cell) + shape.gap);
  const formatRow = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - textWidth(cell))))
      .join('');
  return rows.map((row) => `${formatRow(row)}\n`).join('');
}
