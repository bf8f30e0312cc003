import { EngineError } from '#/base/errors.ts';
import type { ActiveMount, StoredMount } from '#/core/metadata/contract.ts';

const longest = 64 * 1024;

/**
 * Fills in what only the mounts before this one tell: `{{ mount 0 }}` is where the first is mounted, `{{ source 0 }}` and
 * `{{ target 0 }}` are its own, `{{ overlay 2 0 }}` joins the mount points of a range by colons, in that order.
 */
export function formatMount(mount: StoredMount, active: readonly ActiveMount[]): StoredMount {
  const { target } = mount;
  return {
    ...mount,
    source: formatText(mount.source, active),
    ...(target === undefined ? {} : { target: formatText(target, active) }),
    options: mount.options.map((option) => formatText(option, active)),
  };
}

export function formatText(text: string, active: readonly ActiveMount[]): string {
  if (!text.includes('{{')) return text;
  const formatted = text.replaceAll(/\{\{(.*?)\}\}/gs, (_, call: string) => evaluate(call.trim(), active));
  if (formatted.includes('{{')) throw refuse(text, 'it has "{{" without "}}"');
  if (formatted.length > longest) throw refuse(text, `it becomes longer than ${longest} characters`);
  return formatted;
}

function evaluate(call: string, active: readonly ActiveMount[]): string {
  const [name = '', ...words] = call.split(/\s+/);
  const numbers = words.map((word) => (/^-?\d{1,6}$/.test(word) ? Number(word) : Number.NaN));
  if (numbers.some(Number.isNaN)) throw refuse(call, 'its arguments must be whole numbers');
  const [first = 0, last = 0] = numbers;
  const at = (index: number): ActiveMount => {
    const found = index < 0 ? undefined : active[index];
    if (found === undefined) throw refuse(call, `${index} is out of range, there are ${active.length} active mounts`);
    return found;
  };
  if (name === 'overlay' && numbers.length === 2) {
    // Both ends are there, so the range is not longer than the list.
    at(first);
    at(last);
    return range(first, last)
      .map((index) => at(index).mountPoint)
      .join(':');
  }
  if (numbers.length !== 1) throw refuse(call, 'it is none of "source N", "target N", "mount N", "overlay N N"');
  if (name === 'source') return at(first).mount.source;
  if (name === 'target') return at(first).mount.target ?? '';
  if (name === 'mount') return at(first).mountPoint;
  throw refuse(call, 'it is none of "source N", "target N", "mount N", "overlay N N"');
}

/** From the first number to the last, up or down. */
function range(first: number, last: number): number[] {
  const step = first > last ? -1 : 1;
  return Array.from({ length: Math.abs(first - last) + 1 }, (_, index) => first + step * index);
}

const refuse = (text: string, why: string): EngineError =>
  new EngineError('invalid-argument', `Cannot format ${JSON.stringify(text.slice(0, 200))} for a mount: ${why}`);
