import { EngineError } from '#/base/errors.ts';
import type { Output } from '#/cli/output.ts';
import { formatTable } from '#/cli/render/table.ts';
import { visible } from '#/cli/render/text-width.ts';
import { compileTemplate } from '#/cli/template/template.ts';

/** One line of a list: texts by field name, and methods such as Label. */
export type Row = Readonly<Record<string, string | ((argument: string) => string)>>;

export interface ListFormat {
  /** What `--format` said. */
  readonly format: string | undefined;
  readonly quiet?: boolean;
  /** The field that `-q` prints. */
  readonly idField?: string;
  /** The fields of the usual table. */
  readonly columns: readonly string[];
  /** What stands above a column in tables. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Prints rows as docker does: a table, `table TEMPLATE`, `json` (a line each), or a template (a line each). */
export function printList(out: Output, rows: readonly Row[], list: ListFormat): void {
  out.text(formatList(rows, list));
}

export function formatList(rows: readonly Row[], list: ListFormat): string {
  const { format } = list;
  if (list.quiet === true && (format === undefined || format === 'table'))
    return rows.map((row) => `${textOf(row[list.idField ?? 'ID'])}\n`).join('');
  if (format === undefined || format === 'table' || format === '') return formatColumns(rows, list);
  if (format === 'json') return rows.map((row) => `${rowJson(row)}\n`).join('');
  if (format === 'raw') throw new EngineError('invalid-argument', 'Cannot use format "raw": use "json" or a template');
  const tabular = /^table\s+/.exec(format);
  if (tabular === null) {
    const template = compileTemplate(withEscapes(format));
    return rows.map((row) => `${template.render(forTemplate(row))}\n`).join('');
  }
  const template = compileTemplate(withEscapes(format.slice(tabular[0].length)));
  const lines = [headerRow(list), ...rows.map(forTemplate)].map((row) => template.render(row));
  return formatTable(lines.map((line) => line.split('\t')));
}

function formatColumns(rows: readonly Row[], { columns, headers }: ListFormat): string {
  return formatTable([
    columns.map((column) => headers[column] ?? column),
    ...rows.map((row) => columns.map((column) => visible(textOf(row[column])))),
  ]);
}

/** In a table, a method's column is named for its argument's last part. */
function headerRow({ headers }: ListFormat): Row {
  return { ...headers, Label: (label: string) => label.split('.').at(-1) ?? label };
}

/** In the order of the names, so that `{{json .}}` is as stable as `json`. */
function forTemplate(row: Row): Row {
  return Object.fromEntries(Object.entries(row).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function textOf(cell: Row[string] | undefined): string {
  return typeof cell === 'string' ? cell : '';
}

function rowJson(row: Row): string {
  return JSON.stringify(forTemplate(row));
}

/** On a command line `\t` and `\n` are two characters each. */
function withEscapes(format: string): string {
  return format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}
