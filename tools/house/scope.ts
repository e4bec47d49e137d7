import ts from 'typescript';

/** Built-in modules whose exports are the globals of the same name: importing them hides nothing. */
const globalsByImport = /^(?:node:)?(?:process|console|crypto|perf_hooks|timers)$/;

const declared = new WeakMap<ts.Node, ReadonlySet<string>>();

/** Whether an identifier means the global of that name, and not something declared around it. */
export function isGlobal(identifier: ts.Identifier): boolean {
  for (let scope: ts.Node | undefined = identifier.parent; scope; scope = scope.parent) {
    if (namesDeclaredBy(scope).has(identifier.text)) return false;
  }
  return true;
}

function namesDeclaredBy(scope: ts.Node): ReadonlySet<string> {
  let names = declared.get(scope);
  if (names === undefined) {
    names = new Set(collectNames(scope));
    declared.set(scope, names);
  }
  return names;
}

function* collectNames(scope: ts.Node): Iterable<string> {
  if (ts.isFunctionLike(scope)) {
    for (const parameter of scope.parameters) yield* namesOfBinding(parameter.name);
    if (ts.isFunctionExpression(scope) && scope.name) yield scope.name.text;
  } else if (
    ts.isSourceFile(scope) ||
    ts.isBlock(scope) ||
    ts.isModuleBlock(scope) ||
    ts.isCaseOrDefaultClause(scope)
  ) {
    for (const statement of scope.statements) yield* namesOfStatement(statement);
  } else if (ts.isForStatement(scope) || ts.isForOfStatement(scope) || ts.isForInStatement(scope)) {
    if (scope.initializer && ts.isVariableDeclarationList(scope.initializer)) yield* namesOfList(scope.initializer);
  } else if (ts.isCatchClause(scope)) {
    if (scope.variableDeclaration) yield* namesOfBinding(scope.variableDeclaration.name);
  } else if (ts.isClassExpression(scope) && scope.name) {
    yield scope.name.text;
  }
}

function* namesOfStatement(statement: ts.Statement): Iterable<string> {
  if (ts.isVariableStatement(statement)) yield* namesOfList(statement.declarationList);
  else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
    if (statement.name) yield statement.name.text;
  } else if (ts.isImportDeclaration(statement)) yield* namesOfImport(statement);
}

function* namesOfImport(statement: ts.ImportDeclaration): Iterable<string> {
  if (ts.isStringLiteral(statement.moduleSpecifier) && globalsByImport.test(statement.moduleSpecifier.text)) return;
  const clause = statement.importClause;
  if (clause?.name) yield clause.name.text;
  if (clause?.namedBindings === undefined) return;
  if (ts.isNamespaceImport(clause.namedBindings)) yield clause.namedBindings.name.text;
  else for (const element of clause.namedBindings.elements) yield element.name.text;
}

function* namesOfList(list: ts.VariableDeclarationList): Iterable<string> {
  for (const declaration of list.declarations) yield* namesOfBinding(declaration.name);
}

function* namesOfBinding(name: ts.BindingName): Iterable<string> {
  if (ts.isIdentifier(name)) yield name.text;
  else for (const element of name.elements) if (ts.isBindingElement(element)) yield* namesOfBinding(element.name);
}
