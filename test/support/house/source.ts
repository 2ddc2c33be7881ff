/** A file as the rules of the house read it. */
export interface Source {
  /** From the project's folder, with slashes. */
  path: string;
  text: string;
  /** The text with its comments blanked; lines and columns stay. */
  code: string;
  /** The code with what strings say blanked as well. */
  bare: string;
  imports: Import[];
  exports: Export[];
}

export interface Import {
  /** Path of the file, or undefined for a package. */
  target: string | undefined;
  specifier: string;
  /** The names that are taken; undefined for all. */
  names: string[] | undefined;
  /** `export` hands the names on; `name` is a file that a string names. */
  kind: "import" | "export" | "name";
  line: number;
}

export interface Export {
  name: string;
  line: number;
}

/** What a rule found wrong. */
export interface Finding {
  path: string;
  line: number;
  /** What is wrong, and what to do. */
  text: string;
}

/** Reads a file's text. @param isThere whether the project has a file of that path */
export function sourceOf(path: string, text: string, isThere: (path: string) => boolean): Source {
  const { code, bare } = path.endsWith(".ts") ? blanked(text) : { code: text, bare: text };
  const source = { path, text, code, bare };
  return { ...source, imports: importsOf(source, isThere), exports: exportsOf(bare) };
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|(?<=[(,=:[!&|?{};>\n]\s*|\breturn\s+)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g;

/** Regular expressions count as strings; what a template computes stays. */
function blanked(text: string): { code: string; bare: string } {
  const blank = (part: string) => part.replace(/[^\n]/g, " ");
  const code = text.replace(TOKEN, (token) => (/^\/[/*]/.test(token) ? blank(token) : token));
  const bare = text.replace(TOKEN, (token) => {
    if (!token.startsWith("`")) return blank(token);
    return token.replace(/\$\{[^{}]*\}|[^\n]/g, (part) => (part.length > 1 ? part : " "));
  });
  return { code, bare };
}

const STATIC = /^(import|export)\s+(?:type\s+)?([^"';=()]*?)\s*from\s+"([^"]+)"/gm;
const BARE_IMPORT = /^import\s+"([^"]+)"/gm;
const DYNAMIC = /(?:(?:const|let)\s+\{([^}]*)\}\s*=\s*await\s+)?import\("([^"]+)"\)(?:\)\.(\w+))?/g;
const FOLDER_BY_URL = /new URL\("([\w./-]+\/)", import\.meta\.url\)/g;
const FILE_NAME = /(?<!\bfrom |\bimport |\bimport\()"([\w./-]+\.(?:ts|html|css|svg))"/g;
const IN_PAGE = /(?:src|href)="(\/[\w./-]+)"/g;

function importsOf(
  { path, code, bare }: Omit<Source, "imports" | "exports">,
  isThere: (path: string) => boolean,
): Import[] {
  const found: Import[] = [];
  const add = (
    index: number,
    specifier: string,
    names: string[] | undefined,
    kind: Import["kind"] = "import",
  ) =>
    found.push({
      target: resolved(path, specifier, isThere),
      ...{ specifier, names, kind, line: lineAt(code, index) },
    });
  for (const { index, 1: keyword, 2: clause = "", 3: specifier = "" } of code.matchAll(STATIC))
    add(index, specifier, namesOf(clause, bare), keyword as "import" | "export");
  for (const { index, 1: specifier = "" } of code.matchAll(BARE_IMPORT)) add(index, specifier, []);
  for (const { index, 1: clause, 2: specifier = "", 3: member } of code.matchAll(DYNAMIC))
    add(index, specifier, clause ? listed(clause) : member ? [member] : undefined);
  // What a string names, beside the file or in a folder that it names, is read or loaded by that name.
  const folders = ["", ...[...code.matchAll(FOLDER_BY_URL)].map(([, folder = ""]) => folder)];
  for (const { index, 1: name = "" } of code.matchAll(FILE_NAME))
    for (const folder of folders) add(index, `./${folder}${name}`, undefined, "name");
  for (const { index, 1: name = "" } of path.endsWith(".html") ? code.matchAll(IN_PAGE) : [])
    add(index, `..${name}`, undefined, "name");
  return found.filter(({ kind, target }) => kind !== "name" || (target !== undefined && target !== path));
}

/** The names that an import's clause takes; of a namespace, the members that the file uses. */
function namesOf(clause: string, bare: string): string[] | undefined {
  const [, space] = /\*\s+as\s+(\w+)/.exec(clause) ?? [];
  if (space !== undefined)
    return [...bare.matchAll(new RegExp(`\\b${space}\\.(\\w+)`, "g"))].map(([, name]) => name as string);
  if (clause.includes("*")) return undefined;
  const [, braces] = /\{([^}]*)\}/.exec(clause) ?? [];
  const named = braces === undefined ? [] : listed(braces);
  return /^\w+/.test(clause) ? [...named, "default"] : named;
}

function listed(names: string): string[] {
  const each = names.split(",").map((name) => name.trim().replace(/^type\s+/, ""));
  return each.flatMap((name) => name.split(/\s+as\s+|\s*:\s*/)[0] || []);
}

/** Node names files with their ending; the compiler of the filters without, and its own SDK as `modelgate/`. */
function resolved(path: string, specifier: string, isThere: (path: string) => boolean): string | undefined {
  const from = specifier.startsWith(".")
    ? new URL(specifier, `file:///${path}`).pathname.slice(1)
    : specifier.replace(/^modelgate(?=\/)/, "filters");
  return [from, `${from}.ts`, `${from}/index.ts`].find(isThere);
}

const DECLARATION =
  /^(?:@\w+\s+)*export\s+(?:default\s+)?(?:declare\s+|abstract\s+|async\s+)*(?:const\s+enum|function\*?|class|const|let|var|interface|type|enum|namespace)\s+(\w+)/gm;
const LIST = /^export\s+(?:type\s+)?\{([^}]*)\}(?!\s*from)/gm;

function exportsOf(bare: string): Export[] {
  const declared = [...bare.matchAll(DECLARATION)].map(({ index, 1: name = "" }) => ({ index, name }));
  const lists = [...bare.matchAll(LIST)].flatMap(({ index, 1: names = "" }) =>
    names.split(",").flatMap((name) => ({
      index,
      name:
        name
          .trim()
          .split(/\s+as\s+/)
          .at(-1) ?? "",
    })),
  );
  return [...declared, ...lists]
    .filter(({ name }) => name !== "")
    .map(({ index, name }) => ({ name, line: lineAt(bare, index) }));
}
