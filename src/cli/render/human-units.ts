const seconds = { minute: 60, hour: 3600, day: 86_400 };

/** "About an hour", "3 weeks": how long ago people say something was. */
export function humanDuration(milliseconds: number): string {
  const whole = Math.max(0, Math.floor(milliseconds / 1000));
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < seconds.minute) return `${whole} seconds`;
  const minutes = Math.floor(whole / seconds.minute);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(whole / seconds.hour);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  if (days < 730) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(days / 365)} years`;
}

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Three significant digits in powers of 1000: "1.98MB", "742kB". */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, { base: 1000, units: decimalUnits, digits });
}

/** Powers of 1024: "3.83GiB". */
export function humanBinarySize(bytes: number): string {
  return scaled(bytes, { base: 1024, units: binaryUnits, digits: 4 });
}

interface Scale {
  readonly base: number;
  readonly units: readonly string[];
  readonly digits: number;
}

function scaled(bytes: number, { base, units, digits }: Scale): string {
  let value = bytes;
  let unit = 0;
  while (Number(value.toPrecision(digits)) >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit] ?? ''}`;
}
