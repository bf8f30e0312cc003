import { EngineError } from '#/base/errors.ts';

/** The names of Linux by number, from 1 on; numbers are the same on all machines that berth runs on. */
const names: readonly string[] =
  `HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU
  XFSZ VTALRM PROF WINCH IO PWR SYS`.split(/\s+/);

const aliases: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29, UNUSED: 31 };

/** As glibc counts them: it keeps 32 and 33 for itself. */
const realTimeFirst = 34;
const realTimeLast = 64;

/**
 * The number of a signal that a person or a client named: "SIGTERM", "term", "15", "RTMIN+3", "SIGRTMAX-1".
 * `invalid-argument` for what is none.
 */
export function parseSignal(text: string | number): number {
  const word = String(text).trim().toUpperCase();
  const number = /^\d+$/.test(word) ? Number(word) : numberOf(word.replace(/^SIG/, ''));
  if (number !== undefined && number >= 1 && number <= realTimeLast) return number;
  const shown = word.length > 40 ? `${word.slice(0, 40)}…` : word;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${JSON.stringify(shown)} as a signal: give a name such as "SIGTERM" or "RTMIN+3", or a number from 1 to ${realTimeLast}`,
  );
}

function numberOf(name: string): number | undefined {
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) return realTimeNumber(realTime);
  const at = names.indexOf(name);
  if (at >= 0) return at + 1;
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

function realTimeNumber([, base, sign = '', digits = '0']: readonly (string | undefined)[]): number | undefined {
  const start = base === 'MIN' ? realTimeFirst : realTimeLast;
  const number = sign === '-' ? start - Number(digits) : start + Number(digits);
  return number >= realTimeFirst && number <= realTimeLast ? number : undefined;
}

/** "SIGTERM" of 15, "SIGRTMIN+3" of 37; the number itself where there is no name. */
export function signalName(number: number): string {
  const name = names[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number < realTimeFirst || number > realTimeLast) return String(number);
  return number === realTimeFirst ? 'SIGRTMIN' : `SIGRTMIN+${number - realTimeFirst}`;
}
