import { lookUp, parseFilters } from '#/core/metadata/filters.ts';

/** What filters see of a record: texts, and maps of texts. */
export type FilterFields = Parameters<typeof lookUp>[0];

/** The records that a request's filters let through. Throws `invalid-argument` for a filter that cannot be read. */
export function selectRecords<R>(
  records: readonly R[],
  filters: readonly string[],
  fieldsOf: (record: R) => FilterFields,
): R[] {
  const matches = parseFilters(filters);
  return records.filter((record) => matches(lookUp(fieldsOf(record))));
}

/** A text that counts as absent when it is empty. */
export const present = (text: string): string | undefined => (text === '' ? undefined : text);
