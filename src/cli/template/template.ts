import { EngineError } from '#/base/errors.ts';
import { functions } from '#/cli/template/functions.ts';
import { templateError } from '#/cli/template/lexer.ts';
import { parseTemplate } from '#/cli/template/parser.ts';
import type { Call, Node, Operand, Pipeline } from '#/cli/template/syntax.ts';
import { isTrue, printValue, sortedEntries } from '#/cli/template/values.ts';
import { suggest } from '#/cli/suggest.ts';

/** A compiled Go template. */
export interface Template {
  /** The text for one value; a property that is a function can be called with arguments. */
  render(data: unknown): string;
}

/** Compiles a format as docker takes them: `{{.Names}}: {{json .Labels}}`. Throws `invalid-argument`. */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source);
  return { render: (data) => renderNodes(nodes, { root: data, dot: data, variables: new Map() }) };
}

interface Scope {
  readonly root: unknown;
  readonly dot: unknown;
  /** Boxes, so that `=` in an inner block reaches the outer one's variable. */
  readonly variables: Map<string, { value: unknown }>;
}

const inner = (scope: Scope, dot: unknown): Scope => ({ root: scope.root, dot, variables: new Map(scope.variables) });

function renderNodes(nodes: readonly Node[], scope: Scope): string {
  return nodes.map((node) => renderNode(node, scope)).join('');
}

function renderNode(node: Node, scope: Scope): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'print': {
      const value = evaluate(node.pipeline, scope);
      if (node.pipeline.variables.length === 0) return printValue(value);
      assign(node.pipeline, scope, [value]);
      return '';
    }
    case 'if':
    case 'with': {
      const value = evaluateOrMissing(node.pipeline, scope);
      if (!isTrue(value)) return renderNodes(node.otherwise, inner(scope, scope.dot));
      const within = inner(scope, node.kind === 'with' ? value : scope.dot);
      assign(node.pipeline, within, [value]);
      return renderNodes(node.body, within);
    }
    case 'range':
      return renderRange(node, scope);
  }
}

function renderRange(node: Extract<Node, { kind: 'range' }>, scope: Scope): string {
  const entries = entriesOf(evaluate(node.pipeline, scope));
  if (entries.length === 0) return renderNodes(node.otherwise, inner(scope, scope.dot));
  return entries
    .map(([key, value]) => {
      const within = inner(scope, value);
      assign(node.pipeline, within, node.pipeline.variables.length > 1 ? [key, value] : [value]);
      return renderNodes(node.body, within);
    })
    .join('');
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === 'object') return sortedEntries(value);
  throw templateError(`"range" cannot go over ${printValue(value)}`);
}

function assign({ variables, declares }: Pipeline, scope: Scope, values: readonly unknown[]): void {
  for (const [at, name] of variables.entries()) {
    const box = scope.variables.get(name);
    if (declares) scope.variables.set(name, { value: values[at] });
    else if (box === undefined) throw templateError(`variable "${name}" is not known`);
    else box.value = values[at];
  }
}

function evaluate({ calls }: Pipeline, scope: Scope): unknown {
  let carried: readonly unknown[] = [];
  for (const call of calls) carried = [evaluateCall(call, scope, carried)];
  return carried[0];
}

/** In a condition, a field that is not there is false: `{{if .State.Health}}`. */
function evaluateOrMissing(pipeline: Pipeline, scope: Scope): unknown {
  return orMissing(() => evaluate(pipeline, scope));
}

function orMissing(value: () => unknown): unknown {
  try {
    return value();
  } catch (error) {
    if (error instanceof MissingField) return undefined;
    throw error;
  }
}

function evaluateCall([first, ...rest]: Call, scope: Scope, carried: readonly unknown[]): unknown {
  if (first.kind !== 'function') {
    const value = evaluateOperand(first, scope);
    const given = [...rest.map((operand) => evaluateOperand(operand, scope)), ...carried];
    if (typeof value === 'function') return callMethod(value as (...values: unknown[]) => unknown, given);
    if (given.length > 0) throw templateError(`${printValue(value) || 'a value'} takes no arguments`);
    return value;
  }
  const { name } = first;
  if (name === 'and' || name === 'or') return shortCircuit(name, rest, { scope, carried });
  const lenient = name === 'not';
  const values = rest.map((operand) =>
    lenient ? orMissing(() => evaluateOperand(operand, scope)) : evaluateOperand(operand, scope),
  );
  const apply = functions[name];
  if (apply === undefined) throw templateError(`function "${name}" is not known`);
  return apply(...values, ...carried);
}

function callMethod(method: (...values: unknown[]) => unknown, values: readonly unknown[]): unknown {
  if (values.length !== method.length)
    throw templateError(`a method takes ${method.length} arguments, not ${values.length}`);
  return method(...values);
}

function shortCircuit(
  name: 'and' | 'or',
  operands: readonly Operand[],
  { scope, carried }: { readonly scope: Scope; readonly carried: readonly unknown[] },
): unknown {
  const values = [
    ...operands.map((operand) => () => orMissing(() => evaluateOperand(operand, scope))),
    ...carried.map((value) => () => value),
  ];
  if (values.length === 0) throw templateError(`"${name}" needs values`);
  let last: unknown;
  for (const value of values) {
    last = value();
    if (isTrue(last) === (name === 'or')) return last;
  }
  return last;
}

function evaluateOperand(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'field':
      return follow(scope.dot, operand.path);
    case 'variable': {
      if (operand.name === '$') return follow(scope.root, operand.path);
      const box = scope.variables.get(operand.name);
      if (box === undefined) throw templateError(`variable "${operand.name}" is not known`);
      return follow(box.value, operand.path);
    }
    case 'nested':
      return follow(evaluate(operand.pipeline, scope), operand.path);
    case 'function':
      return evaluateCall([operand], scope, []);
  }
}

function follow(start: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw missing(name, `${printValue(value) || 'an empty value'} has no fields`);
    if (Object.hasOwn(value, name)) return (value as Readonly<Record<string, unknown>>)[name];
    const names = Object.keys(value);
    // Go's field is .ID where JSON says Id: the spelling may differ in case when it is clear what is meant.
    const alike = names.filter((other) => other.toLowerCase() === name.toLowerCase());
    const [only] = alike;
    if (only !== undefined && alike.length === 1) return (value as Readonly<Record<string, unknown>>)[only];
    const near = suggest(name, names);
    throw missing(name, near === undefined ? `known are ${names.slice(0, 30).join(', ')}` : `did you mean ".${near}"?`);
  }, start);
}

/** A field that is not there; conditions take it for false. */
class MissingField extends EngineError {}

function missing(name: string, hint: string): MissingField {
  return new MissingField('invalid-argument', `Cannot use the template: there is no field ".${name}"; ${hint}`);
}
