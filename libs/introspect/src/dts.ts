import type { Description, MethodDescription, Parameter } from "./description.ts";
import { tsdoc } from "./doc-text.ts";
import { IntrospectError } from "./errors.ts";

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Methods and groups of one level of dotted names. */
interface Level {
  methods: [string, MethodDescription][];
  groups: Map<string, Level>;
}

/**
 * A `.d.ts` text with one interface of all methods and the types it needs; it compiles on its own.
 *
 * @param interfaceName default: the name of the description, made an identifier that is free
 * @throws `ERR_INTROSPECT_NAME` for a name that is no identifier or that one of the types has
 */
export function toDts(description: Description, interfaceName = freeName(description)): string {
  if (!IDENTIFIER.test(interfaceName) || Object.hasOwn(description.types, interfaceName)) {
    throw new IntrospectError(
      "ERR_INTROSPECT_NAME",
      `"${interfaceName}" cannot name the interface of ${description.name}; give another name`,
    );
  }
  const root: Level = { methods: [], groups: new Map() };
  for (const method of Object.values(description.methods)) {
    const path = method.name.split(".");
    const level = path.slice(0, -1).reduce(levelOf, root);
    level.methods.push([path.at(-1) ?? "", method]);
  }
  const types = Object.values(description.types).map((text) => `export ${text}`);
  const head = description.doc
    ? comment([description.doc.summary, description.doc.description].join("\n\n"), "")
    : "";
  const body = levelText(root, { indent: "  ", path: "", description });
  return `${[...types, `${head}export interface ${interfaceName} {\n${body}}`].join("\n\n")}\n`;
}

/** `FsPromises` for `fs/promises`, `ShopService` when a type is called `Shop`. */
function freeName({ name, types }: Description): string {
  const words = name.split(/[^\w$]+/).filter((word) => word !== "");
  const capital = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join("");
  const whole = IDENTIFIER.test(name) && !RESERVED.has(name) ? name : capital;
  let free = IDENTIFIER.test(whole) ? whole : `Service${whole}`;
  while (Object.hasOwn(types, free)) free += "Service";
  return free;
}

function levelOf(level: Level, name: string): Level {
  const next = level.groups.get(name) ?? { methods: [], groups: new Map() };
  level.groups.set(name, next);
  return next;
}

interface At {
  indent: string;
  path: string;
  description: Description;
}

function levelText(level: Level, { indent, path, description }: At): string {
  const methods = level.methods.map(([name, method]) => {
    const words = tsdoc(method);
    const signatures = [signature(method), ...method.overloads];
    const lines = signatures.map((text) => `${indent}${key(name)}${text};\n`);
    return (words ? comment(words, indent) : "") + lines.join("");
  });
  const groups = [...level.groups].map(([name, inner]) => {
    const inside = path === "" ? name : `${path}.${name}`;
    const doc = Object.hasOwn(description.groups, inside)
      ? description.groups[inside]?.summary
      : "";
    const body = levelText(inner, { indent: `${indent}  `, path: inside, description });
    return `${doc ? comment(doc, indent) : ""}${indent}${key(name)}: {\n${body}${indent}};\n`;
  });
  return [...methods, ...groups].join("");
}

function signature({ typeParameters, parameters, returns, kind }: MethodDescription): string {
  const lastRequired = parameters.findLastIndex(({ optional }) => !optional);
  const list = parameters.map((parameter, at) => parameterText(parameter, at < lastRequired));
  const unsaid = kind === "stream" ? "AsyncIterable<unknown>" : "Promise<unknown>";
  return `${typeParameters}(${list.join(", ")}): ${returns.type === "unknown" ? unsaid : returns.type}`;
}

/** An optional parameter in front of a required one takes `undefined` instead of a question mark. */
function parameterText({ name, type, optional, rest }: Parameter, isBefore: boolean): string {
  const safe =
    IDENTIFIER.test(name) && !RESERVED.has(name) ? name : `${name.replace(/[^\w$]/g, "_")}_`;
  if (rest)
    return `...${safe}: ${type.endsWith("]") || /^(Readonly)?Array</.test(type) ? type : "unknown[]"}`;
  if (!optional) return `${safe}: ${type}`;
  return isBefore ? `${safe}: ${type} | undefined` : `${safe}?: ${type}`;
}

const RESERVED = new Set(
  `break case catch class const continue debugger default delete do else enum export extends false
finally for function if import in instanceof new null return super switch this throw true try typeof
var void while with`.split(/\s+/),
);

function key(name: string): string {
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

function comment(text: string, indent: string): string {
  const lines = text.trim().replaceAll("*/", "*\\/").split("\n");
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}
