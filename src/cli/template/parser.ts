import { functionNames } from '#/cli/template/functions.ts';
import { cutPieces, templateError, type Piece, type Token } from '#/cli/template/lexer.ts';
import type { Call, Node, Operand, Pipeline } from '#/cli/template/syntax.ts';
import { suggest } from '#/cli/suggest.ts';

const deepest = 50;
const notKnown = new Set(['template', 'define', 'block', 'break', 'continue']);

/** Reads the part of Go's template language that formats need; the rest is refused by name. */
export function parseTemplate(template: string): readonly Node[] {
  const parser = new BlockParser(cutPieces(template));
  const { nodes, end } = parser.block(0);
  if (end !== 'eof') throw templateError(`"{{${end}}}" closes nothing`);
  return nodes;
}

type End = 'eof' | 'end' | 'else';

class BlockParser {
  readonly #pieces: readonly Piece[];
  #at = 0;
  /** What follows `else` in the same action: `if …` or `with …`. */
  #elseTokens: readonly Token[] = [];

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  block(depth: number): { nodes: Node[]; end: End } {
    if (depth > deepest) throw templateError(`it is nested more than ${deepest} deep`);
    const nodes: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at++];
      if (piece === undefined) return { nodes, end: 'eof' };
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const [first, ...rest] = piece.tokens;
      const word = first?.kind === 'word' ? first.word : '';
      if (notKnown.has(word)) throw templateError(`"{{${word}}}" is not supported`);
      if (word === 'end' || word === 'else') {
        if (word === 'end' && rest.length > 0) throw templateError(`"{{${piece.source}}}" has words after "end"`);
        this.#elseTokens = rest;
        return { nodes, end: word };
      }
      nodes.push(
        word === 'if' || word === 'with' || word === 'range'
          ? this.#branch(word, rest, depth)
          : { kind: 'print', pipeline: parsePipeline(piece.tokens) },
      );
    }
  }

  #branch(kind: 'if' | 'with' | 'range', tokens: readonly Token[], depth: number): Node {
    const pipeline = parsePipeline(tokens);
    const body = this.block(depth + 1);
    if (body.end === 'end') return { kind, pipeline, body: body.nodes, otherwise: [] };
    if (body.end === 'eof') throw templateError(`"{{${kind}}}" has no "{{end}}"`);
    const [chained, ...rest] = this.#elseTokens;
    if (chained?.kind === 'word' && (chained.word === 'if' || chained.word === 'with'))
      return { kind, pipeline, body: body.nodes, otherwise: [this.#branch(chained.word, rest, depth + 1)] };
    if (chained !== undefined) throw templateError('only "if" or "with" may follow "else"');
    const otherwise = this.block(depth + 1);
    if (otherwise.end !== 'end') throw templateError(`"{{else}}" of "{{${kind}}}" has no "{{end}}"`);
    return { kind, pipeline, body: body.nodes, otherwise: otherwise.nodes };
  }
}

function parsePipeline(tokens: readonly Token[]): Pipeline {
  const parser = new PipelineParser(tokens);
  const pipeline = parser.pipeline(0);
  parser.expectEnd();
  return pipeline;
}

class PipelineParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  pipeline(depth: number): Pipeline {
    if (depth > deepest) throw templateError(`it is nested more than ${deepest} deep`);
    const { variables, declares } = this.#assignment();
    const calls = [this.#call(depth)];
    while (this.#takeMark('|')) calls.push(this.#call(depth));
    return { variables, declares, calls };
  }

  expectEnd(): void {
    if (this.#tokens[this.#at] !== undefined) throw templateError('there is a ")" or "," too many');
  }

  #assignment(): { variables: readonly string[]; declares: boolean } {
    const names: string[] = [];
    const start = this.#at;
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== 'variable' || token.path.length > 0) break;
      this.#at++;
      names.push(token.name);
      if (this.#takeMark(':=')) return { variables: names, declares: true };
      if (this.#takeMark('=')) return { variables: names, declares: false };
      if (!this.#takeMark(',')) break;
    }
    this.#at = start;
    return { variables: [], declares: false };
  }

  #call(depth: number): Call {
    const operands: Operand[] = [];
    for (let operand = this.#operand(depth); operand !== undefined; operand = this.#operand(depth))
      operands.push(operand);
    const [first, ...rest] = operands;
    if (first === undefined) throw templateError('an action is empty, or a value is missing');
    return [first, ...rest];
  }

  #operand(depth: number): Operand | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined) return undefined;
    if (token.kind === 'mark') {
      if (token.mark !== '(') return undefined;
      this.#at++;
      const pipeline = this.pipeline(depth + 1);
      if (!this.#takeMark(')')) throw templateError('a "(" is never closed');
      return { kind: 'nested', pipeline, path: this.#gluedPath() };
    }
    this.#at++;
    switch (token.kind) {
      case 'field':
        return { kind: 'field', path: token.path };
      case 'variable':
        return { kind: 'variable', name: token.name, path: token.path };
      case 'text':
      case 'number':
        return { kind: 'literal', value: token.value };
      case 'word':
        return wordOperand(token.word);
    }
  }

  #gluedPath(): readonly string[] {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'field' || !token.glued) return [];
    this.#at++;
    return token.path;
  }

  #takeMark(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'mark' || token.mark !== mark) return false;
    this.#at++;
    return true;
  }
}

function wordOperand(word: string): Operand {
  if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
  if (word === 'nil') return { kind: 'literal', value: null };
  if (functionNames.has(word)) return { kind: 'function', name: word };
  const near = suggest(word, [...functionNames]);
  throw templateError(`function "${word}" is not known${near === undefined ? '' : `; did you mean "${near}"?`}`);
}
