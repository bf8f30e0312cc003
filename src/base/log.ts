/** Structured logs: one line per event, logfmt, to standard error. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same logger with fields that go on every line. */
  with(fields: LogFields): Logger;
}

const order: Readonly<Record<LogLevel, number>> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };

/** The levels that containerd's `--log-level` knows; fatal and panic mean errors only. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const word = text.toLowerCase();
  if (word === 'fatal' || word === 'panic') return 'error';
  if (word === 'warning') return 'warn';
  return Object.hasOwn(order, word) ? (word as LogLevel) : undefined;
}

const plain = /^[\w./:@+,-]+$/;

function quote(value: string | number | bigint | boolean): string {
  const text = String(value);
  return plain.test(text) ? text : JSON.stringify(text);
}

export function formatLogLine(level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}=${quote(value)}`],
  );
  return `time=${new Date().toISOString()} level=${level} msg=${JSON.stringify(message)}${pairs.join('')}\n`;
}

function formatJsonLine(level: LogLevel, message: string, fields: LogFields): string {
  const printable = Object.entries(fields).map(([key, value]) => [
    key,
    typeof value === 'bigint' ? value.toString() : value,
  ]);
  return `${JSON.stringify({ time: new Date().toISOString(), level, msg: message, ...Object.fromEntries(printable) })}\n`;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `text` is logfmt, `json` one object per line. */
  readonly format?: 'text' | 'json';
  /** Receives whole lines; what it does when its reader is slow is its affair. */
  readonly write: (line: string) => void;
  readonly fields?: LogFields;
}

export function createLogger(options: LoggerOptions): Logger {
  const { level, format = 'text', write, fields = {} } = options;
  const line = format === 'json' ? formatJsonLine : formatLogLine;
  const emit = (at: LogLevel, message: string, more: LogFields = {}): void => {
    if (order[at] >= order[level]) write(line(at, message, { ...fields, ...more }));
  };
  return {
    debug: (message, more) => emit('debug', message, more),
    info: (message, more) => emit('info', message, more),
    warn: (message, more) => emit('warn', message, more),
    error: (message, more) => emit('error', message, more),
    with: (more) => createLogger({ ...options, fields: { ...fields, ...more } }),
  };
}

/** For tests and for parts that were given none. */
export const silentLogger: Logger = createLogger({ level: 'error', write: () => {} });
