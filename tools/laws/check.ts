import type ts from 'typescript';
import { type Offence, sortOffences } from '../house/offence.ts';
import { lineOf, parseTree, type SourceFile } from '../house/source-file.ts';
import type { Tree } from '../house/tree.ts';
import { checkAmbient } from './ambient.ts';
import { checkErrors } from './errors.ts';
import { type LawException, lawExceptions } from './exceptions.ts';
import type { Report } from './report.ts';
import { checkComments, checkSize } from './size.ts';
import { checkState } from './state.ts';
import { checkSyntax } from './syntax.ts';
import { checkText } from './text.ts';
import { triviaOf } from './trivia.ts';
import { checkUnits } from './units.ts';

const productAreas = new Set(['src', 'connectors', 'service']);
const libraryAreas = new Set(['src', 'connectors']);

/** Every place of a tree that breaks a law and is not excused. */
export function checkLaws(tree: Tree, exceptions: readonly LawException[] = lawExceptions): readonly Offence[] {
  return findOffences(tree).filter(offence => !exceptions.some(exception => excuses(exception, offence)));
}

/** Exceptions that excuse nothing any more. */
export function idleExceptions(
  tree: Tree,
  exceptions: readonly LawException[] = lawExceptions,
): readonly LawException[] {
  const offences = findOffences(tree);
  return exceptions.filter(exception => !offences.some(offence => excuses(exception, offence)));
}

function findOffences(tree: Tree): readonly Offence[] {
  return sortOffences([...parseTree(tree).flatMap(checkFile), ...checkText(tree)]);
}

function checkFile(file: SourceFile): readonly Offence[] {
  const offences: Offence[] = [];
  const report: Report = (rule, place, what, fix) => {
    const line = typeof place === 'number' ? place : lineOf(file, startOf(place, file));
    offences.push({ file: file.path, line, rule, what: what.replaceAll(/\s+/g, ' '), fix });
  };
  const trivia = triviaOf(file);
  checkSyntax(file, report);
  checkSize(file, trivia, report);
  checkComments(file, trivia, report);
  if (productAreas.has(file.area)) {
    checkAmbient(file, report);
    checkErrors(file, report);
    checkUnits(file, report);
  }
  if (libraryAreas.has(file.area)) checkState(file, report);
  return offences;
}

function startOf(node: ts.Node, file: SourceFile): number {
  return node.getStart(file.syntax);
}

function excuses({ rule, place, name }: LawException, offence: Offence): boolean {
  if (rule !== offence.rule) return false;
  if (!(place.endsWith('/') ? offence.file.startsWith(place) : offence.file === place)) return false;
  return name === undefined || offence.what.includes(`"${name}"`);
}
