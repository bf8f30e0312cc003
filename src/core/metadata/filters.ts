/**
 * containerd's filters: selectors such as `labels."k"==v`, joined by commas that mean "and"; several filters mean "or".
 */
import { EngineError, isKind } from '#/base/errors.ts';
import { compileRe2 } from '#/base/re2.ts';
import { FilterScanner } from '#/core/metadata/filter-scanner.ts';

/** What a record says a field is; undefined when it has none of that name. A map's key is the path's rest, joined. */
export type FieldLookup = (path: readonly string[]) => string | undefined;

export type Filter = (field: FieldLookup) => boolean;

const mostFilters = 1000;
const longestFilter = 16_384;

/** Reads a list of filters; an empty list, and an empty filter, match everything. Throws `invalid-argument`. */
export function parseFilters(texts: readonly string[]): Filter {
  if (texts.length > mostFilters)
    throw new EngineError('invalid-argument', `Cannot use ${texts.length} filters: at most ${mostFilters} are taken`);
  if (texts.length === 0) return () => true;
  const filters = texts.map(parseFilter);
  return (field) => filters.some((filter) => filter(field));
}

function parseFilter(text: string): Filter {
  if (text === '') return () => true;
  if (text.length > longestFilter)
    throw new EngineError('invalid-argument', `Cannot read a filter of more than ${longestFilter} characters`);
  const scanner = new FilterScanner(text);
  const selectors = [parseSelector(scanner)];
  while (scanner.take(',')) selectors.push(parseSelector(scanner));
  if (!scanner.atEnd()) throw scanner.error('expected "," or the end');
  return (field) => selectors.every((selector) => selector(field));
}

function parseSelector(scanner: FilterScanner): Filter {
  const path = [scanner.takeField()];
  while (scanner.take('.')) path.push(scanner.takeField());
  if (scanner.atEnd() || scanner.sees(',')) return (field) => field(path) !== undefined;
  const operator = scanner.takeOperator();
  const value = scanner.takeValue(operator === '~=');
  if (operator === '==') return (field) => field(path) === value;
  if (operator === '!=') return (field) => (field(path) ?? '') !== value;
  const matches = compilePattern(value);
  return (field) => matches(field(path) ?? '');
}

/** A pattern that cannot be read is no mistake of the filter: it matches nothing. */
function compilePattern(pattern: string): (text: string) => boolean {
  try {
    return compileRe2(pattern);
  } catch (error) {
    if (isKind(error, 'invalid-argument')) return () => false;
    throw error;
  }
}

/**
 * Looks a field up in a table of texts and maps: `name` finds a text, whatever stands behind it; `labels.<key>` a map's
 * entry, where all of the path after the first dot is the key.
 */
export function lookUp(
  fields: Readonly<Record<string, string | Readonly<Record<string, string>> | undefined>>,
): FieldLookup {
  return ([first = '', ...rest]) => {
    const value = Object.hasOwn(fields, first) ? fields[first] : undefined;
    if (typeof value !== 'object') return value;
    const key = rest.join('.');
    return Object.hasOwn(value, key) ? value[key] : undefined;
  };
}
