interface Rule {
  readonly pattern: RegExp;
  readonly isNegated: boolean;
  readonly isDirectoryOnly: boolean;
}

/** The rules of one `.gitignore` file (https://git-scm.com/docs/gitignore). */
export class IgnoreRules {
  readonly #rules: readonly Rule[];

  /** @param text of the file */
  constructor(text: string) {
    this.#rules = text.split(/\r?\n/).flatMap((line) => parse(line) ?? []);
  }

  /**
   * @param path relative to the folder of the file, with `/`
   * @returns whether it is ignored; `undefined` when no rule says anything of it
   */
  ignores(path: string, isDirectory: boolean): boolean | undefined {
    const rule = this.#rules.findLast(
      ({ pattern, isDirectoryOnly }) => (isDirectory || !isDirectoryOnly) && pattern.test(path),
    );
    return rule && !rule.isNegated;
  }
}

function parse(line: string): Rule | undefined {
  let text = line.replace(/(?<!\\)[ \t]+$/, "");
  if (text === "" || text.startsWith("#")) return undefined;
  const isNegated = text.startsWith("!");
  if (isNegated) text = text.slice(1);
  const isDirectoryOnly = text.endsWith("/");
  if (isDirectoryOnly) text = text.slice(0, -1);
  const isAnchored = text.includes("/");
  if (text.startsWith("/")) text = text.slice(1);
  if (text === "") return undefined;
  const start = isAnchored ? "^" : "^(?:.*/)?";
  try {
    return { pattern: new RegExp(`${start}${translate(text)}$`), isNegated, isDirectoryOnly };
  } catch {
    return undefined; // a class such as [z-a], which matches nothing
  }
}

const TOKEN = /\*\*\/|\/\*\*$|\*+|\?|\[(?:[!^]?\]?[^\]]*)\]|\\.|[^*?[\\]+|./g;

function translate(glob: string): string {
  return glob.replace(TOKEN, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "/**") return "/.+";
    if (token.startsWith("*")) return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.startsWith("[") && token.length > 2) return characterClass(token);
    if (token.startsWith("\\") && token.length === 2) return escape(token.slice(1));
    return escape(token);
  });
}

function characterClass(token: string): string {
  const inner = token.slice(1, -1);
  const isNegated = /^[!^]/.test(inner);
  const members = (isNegated ? inner.slice(1) : inner).replace(/[\\\][]/g, "\\$&");
  return `(?!/)[${isNegated ? "^" : ""}${members}]`;
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
