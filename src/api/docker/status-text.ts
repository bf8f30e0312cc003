import { parseTime } from '#/base/clock.ts';
import type { ContainerView } from '#/engine/view.ts';

/** How long ago, in the words of Docker's tables: "5 seconds", "About an hour", "3 weeks". */
export function humanDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < 60) return `${whole} seconds`;
  const minutes = Math.floor(whole / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(whole / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(whole / 86_400);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  return days < 730 ? `${Math.floor(days / 30)} months` : `${Math.floor(days / 365)} years`;
}

function since(text: string): string {
  const time = parseTime(text) ?? 0n;
  return humanDuration(Date.now() / 1000 - Number(time / 1_000_000n) / 1000);
}

/** The STATUS column of `docker ps`. */
export function statusText(view: ContainerView): string {
  switch (view.status) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${since(view.startedAt)}`;
    case 'paused':
      return `Up ${since(view.startedAt)} (Paused)`;
    case 'exited':
      return `Exited (${view.exitCode}) ${since(view.finishedAt)} ago`;
  }
}
