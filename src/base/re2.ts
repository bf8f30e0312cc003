/**
 * Go's regular expressions, for the one question whether a text matches. All states are followed at once (Thompson), so
 * the time is at most pattern × text: no pattern can hold the event loop, as a backtracking RegExp can.
 */
import { EngineError } from '#/base/errors.ts';
import { isWordCharacter, type CharacterTest } from '#/base/re2-classes.ts';
import { parseRe2, type Assertion, type Re2Node } from '#/base/re2-parse.ts';

const largestProgram = 2000;

type Instruction =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  /** Goes on at each of these places. */
  | { readonly kind: 'jump'; to: readonly number[] }
  | { readonly kind: 'match' };

/** Throws `invalid-argument` for what is no RE2 pattern, or too large a one. The match is unanchored. */
export function compileRe2(pattern: string): (text: string) => boolean {
  const program: Instruction[] = [];
  emit(parseRe2(pattern), program);
  program.push({ kind: 'match' });
  return (text) => matches(program, text);
}

function emit(node: Re2Node, program: Instruction[]): void {
  if (program.length > largestProgram)
    throw new EngineError('invalid-argument', 'Cannot use the regular expression: its repetitions make it too large');
  switch (node.kind) {
    case 'character':
    case 'assertion':
      program.push(node);
      return;
    case 'sequence':
      for (const part of node.parts) emit(part, program);
      return;
    case 'choice':
      emitChoice(node.options, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
  }
}

function emitChoice(options: readonly Re2Node[], program: Instruction[]): void {
  const fork = jump(program);
  const starts: number[] = [];
  const ends = options.map((option) => {
    starts.push(program.length);
    emit(option, program);
    return jump(program);
  });
  fork.to = starts;
  for (const end of ends) end.to = [program.length];
}

function emitRepeat(node: Extract<Re2Node, { kind: 'repeat' }>, program: Instruction[]): void {
  for (let count = 0; count < node.min; count++) emit(node.part, program);
  if (node.max === Infinity) {
    const start = program.length;
    const loop = jump(program);
    emit(node.part, program);
    jump(program).to = [start];
    loop.to = [start + 1, program.length];
    return;
  }
  const exits: { to: readonly number[] }[] = [];
  for (let count = node.min; count < node.max; count++) {
    const exit = jump(program);
    exits.push(exit);
    exit.to = [program.length];
    emit(node.part, program);
  }
  for (const exit of exits) exit.to = [...exit.to, program.length];
}

function jump(program: Instruction[]): Extract<Instruction, { kind: 'jump' }> {
  const instruction: Extract<Instruction, { kind: 'jump' }> = { kind: 'jump', to: [] };
  program.push(instruction);
  return instruction;
}

/** Around a place in the text: the characters beside it, -1 at the ends. */
interface Place {
  readonly before: number;
  readonly after: number;
}

function matches(program: readonly Instruction[], text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  let alive: number[] = [];
  for (let at = 0; at <= codes.length; at++) {
    const place = { before: codes[at - 1] ?? -1, after: codes[at] ?? -1 };
    // A match may begin anywhere, so a new attempt joins those under way.
    const reached = reach(program, [...alive, 0], place);
    if (reached === 'match') return true;
    alive = reached.filter((index) => {
      const instruction = program[index];
      return instruction?.kind === 'character' && place.after >= 0 && instruction.test(place.after);
    });
    for (const [position, index] of alive.entries()) alive[position] = index + 1;
  }
  return false;
}

/** Follows jumps and assertions from `starts`; returns the character tests that wait there. */
function reach(program: readonly Instruction[], starts: readonly number[], place: Place): 'match' | number[] {
  const seen = new Set(starts);
  const waiting: number[] = [];
  // A set's iteration also visits what is added meanwhile.
  for (const index of seen) {
    const instruction = program[index];
    switch (instruction?.kind) {
      case 'match':
        return 'match';
      case 'character':
        waiting.push(index);
        break;
      case 'jump':
        for (const next of instruction.to) seen.add(next);
        break;
      case 'assertion':
        if (holds[instruction.assertion](place)) seen.add(index + 1);
        break;
      case undefined:
    }
  }
  return waiting;
}

const newline = 10;

const holds: Readonly<Record<Assertion, (place: Place) => boolean>> = {
  'text-start': ({ before }) => before < 0,
  'text-end': ({ after }) => after < 0,
  'line-start': ({ before }) => before < 0 || before === newline,
  'line-end': ({ after }) => after < 0 || after === newline,
  'word-edge': ({ before, after }) => isWordCharacter(before) !== isWordCharacter(after),
  'no-word-edge': ({ before, after }) => isWordCharacter(before) === isWordCharacter(after),
};
