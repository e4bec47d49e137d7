import type ts from 'typescript';
import type { LawRule } from './rules.ts';

/** How a law tells what it found. A place is a node, or a line counted from 1. */
export type Report = (rule: LawRule, place: ts.Node | number, what: string, fix: string) => void;
