import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { describeDatabaseError } from '#/core/metadata/database-errors.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

/**
 * One SQLite connection with its prepared statements. Integers come out as bigint. Errors of SQLite come out as
 * EngineError, with the file's name. Statements are kept by their text, so texts must come from a fixed set.
 */
export class Database implements Disposable {
  readonly path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.path = path;
    this.#connection = this.#try(() => new DatabaseSync(path, { readBigInts: true, readOnly }));
  }

  get inTransaction(): boolean {
    return this.#connection.isOpen && this.#connection.isTransaction;
  }

  find(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#try(() => this.#statement(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#try(() => this.#statement(sql).all(...values));
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#try(() => Number(this.#statement(sql).run(...values).changes));
  }

  /** Runs one or more statements that are not worth keeping. */
  exec(sql: string): void {
    this.#try(() => this.#connection.exec(sql));
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#connection.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw describeDatabaseError(this.path, error);
    }
  }
}
