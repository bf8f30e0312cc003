/** What a command takes before and between its arguments, as pflag (and so docker) writes it. */
export type FlagSpec = SpecOf[keyof SpecOf];

interface SpecOf {
  readonly boolean: { readonly kind: 'boolean'; readonly short?: string; readonly about: string };
  readonly text: ValueSpec<'text'>;
  readonly list: ValueSpec<'list'>;
  readonly number: ValueSpec<'number'>;
}

interface ValueSpec<Kind> {
  readonly kind: Kind;
  readonly short?: string;
  /** What help calls the value. */
  readonly value: string;
  readonly about: string;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** What was given; a boolean that was not is false, a list is empty, everything else undefined. */
export type FlagValues<Specs extends FlagSpecs> = {
  readonly [Name in keyof Specs]: ValueOf<Specs[Name]['kind']>;
};

type ValueOf<Kind extends FlagSpec['kind']> = Kind extends 'boolean'
  ? boolean
  : Kind extends 'list'
    ? readonly string[]
    : Kind extends 'number'
      ? number | undefined
      : string | undefined;

/** The other way round: the flags whose values these are. For flags that several commands share. */
export type FlagsFor<Values> = { readonly [Name in keyof Values]: SpecOf[KindOf<Values[Name]>] };

type KindOf<Value> = [Value] extends [boolean]
  ? 'boolean'
  : [Value] extends [readonly string[]]
    ? 'list'
    : [Value] extends [number | undefined]
      ? 'number'
      : 'text';

/** `boolean('q', 'Only show ids')`; an empty short name means that there is none. */
export function boolean(short: string, about: string): SpecOf['boolean'] {
  return { kind: 'boolean', about, ...shortName(short) };
}

export function text(short: string, value: string, about: string): SpecOf['text'] {
  return { kind: 'text', value, about, ...shortName(short) };
}

/** May be given many times. */
export function list(short: string, value: string, about: string): SpecOf['list'] {
  return { kind: 'list', value, about, ...shortName(short) };
}

/** A whole number. */
export function number(short: string, value: string, about: string): SpecOf['number'] {
  return { kind: 'number', value, about, ...shortName(short) };
}

function shortName(short: string): { short?: string } {
  return short === '' ? {} : { short };
}
