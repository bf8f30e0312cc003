/** Tables as Go's text/tabwriter lays them out, so that scripts which cut ctr's columns can cut ours. */

export interface TabShape {
  /** The narrowest column, its padding not included. */
  readonly narrowest: number;
  readonly padding: number;
  /** What fills a column: blanks, or tabs of eight. */
  readonly fill: ' ' | '\t';
}

/** The shapes that ctr uses. */
export const tabShapes: Readonly<Record<'narrow' | 'loose' | 'wide' | 'tabs', TabShape>> = {
  narrow: { narrowest: 1, padding: 1, fill: ' ' },
  loose: { narrowest: 1, padding: 4, fill: ' ' },
  wide: { narrowest: 4, padding: 4, fill: ' ' },
  tabs: { narrowest: 1, padding: 1, fill: '\t' },
};

const tabWidth = 8;

/** A cell belongs to a column when another follows it in its row; a column reaches over rows that follow each other. */
export function formatTabbed(rows: readonly (readonly string[])[], shape: TabShape): string {
  const lines = rows.map(() => '');
  layOut({ rows, shape, lines }, { from: 0, to: rows.length, widths: [] });
  return lines.map((line) => `${line}\n`).join('');
}

interface Table {
  readonly rows: readonly (readonly string[])[];
  readonly shape: TabShape;
  readonly lines: string[];
}

interface Block {
  readonly from: number;
  readonly to: number;
  readonly widths: readonly number[];
}

function layOut(table: Table, { from, to, widths }: Block): void {
  const column = widths.length;
  const hasCell = (at: number): boolean => column < (table.rows[at]?.length ?? 0) - 1;
  for (let at = from; at < to;) {
    if (!hasCell(at)) {
      writeLine(table, at, widths);
      at++;
      continue;
    }
    let end = at;
    let width = table.shape.narrowest;
    for (; end < to && hasCell(end); end++)
      width = Math.max(width, lengthOf(table.rows[end]?.[column] ?? '') + table.shape.padding);
    layOut(table, { from: at, to: end, widths: [...widths, width] });
    at = end;
  }
}

function writeLine({ rows, shape, lines }: Table, at: number, widths: readonly number[]): void {
  lines[at] = (rows[at] ?? [])
    .map((cell, column) => {
      const width = widths[column];
      return width === undefined ? cell : cell + fill(width, lengthOf(cell), shape);
    })
    .join('');
}

function fill(width: number, used: number, shape: TabShape): string {
  if (shape.fill === ' ') return ' '.repeat(width - used);
  const whole = Math.ceil(width / tabWidth) * tabWidth;
  return '\t'.repeat(Math.ceil((whole - used) / tabWidth));
}

/** Go counts characters. */
const lengthOf = (text: string): number => (/^[\x20-\x7e]*$/.test(text) ? text.length : Array.from(text).length);
