const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');

function zoneOffset(moment: Date): { sign: string; hours: string; minutes: string } {
  const offset = -moment.getTimezoneOffset();
  return { sign: offset < 0 ? '-' : '+', hours: two(Math.abs(offset) / 60), minutes: two(Math.abs(offset) % 60) };
}

function dayOf(moment: Date): string {
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

function clockOf(moment: Date): string {
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
}

/** `2026-01-02 15:04:05 +0100 CET`: how lists show a time, in seconds since 1970. */
export function formatLocalTime(seconds: number): string {
  const moment = new Date(seconds * 1000);
  const { sign, hours, minutes } = zoneOffset(moment);
  return `${dayOf(moment)} ${clockOf(moment)} ${sign}${hours}${minutes} ${zoneName(moment, sign, hours + minutes)}`;
}

function zoneName(moment: Date, sign: string, digits: string): string {
  if (digits === '0000') return 'UTC';
  const part = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(moment);
  const name = part.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return /^[A-Z]{2,5}$/.test(name) ? name : `${sign}${digits.replace(/00$/, '')}`;
}

/** RFC 3339 in local time with all nine decimals. */
export function formatNanoTime(nanoseconds: bigint): string {
  const moment = new Date(Number(nanoseconds / 1_000_000n));
  const fraction = (nanoseconds % 1_000_000_000n).toString().padStart(9, '0');
  const { sign, hours, minutes } = zoneOffset(moment);
  const zone = hours === '00' && minutes === '00' ? 'Z' : `${sign}${hours}:${minutes}`;
  return `${dayOf(moment)}T${clockOf(moment)}.${fraction}${zone}`;
}

/** RFC 3339 in local time, to the second. */
export function formatIsoSeconds(seconds: number): string {
  return formatNanoTime(BigInt(seconds) * 1_000_000_000n).replace(/\.0{9}/, '');
}
