type Call = (name: string, args: readonly unknown[]) => unknown;
type Key = string | symbol;

/**
 * A function whose every property is again such a function, with the dotted name of its place:
 * `f.a.b(1)` calls `call("a.b", [1])`. A property is made when it is first read and is a plain one
 * from then on, so that calling it costs no more than calling a method.
 * @param own properties of the outermost that are what they are
 */
export function named(call: Call, own: Readonly<Record<Key, unknown>>): object {
  const root = make(call, "");
  for (const key of Reflect.ownKeys(own)) fix(root, key, own[key as string]);
  return root;
}

function make(call: Call, path: string): object {
  const target = (...args: unknown[]): unknown => call(path, args);
  // A remote method may be called `name` or `length`, as functions' own properties are.
  Reflect.deleteProperty(target, "name");
  Reflect.deleteProperty(target, "length");
  const prototype = new Proxy(Object.create(null) as object, {
    get: (_prototype, key) => {
      // Whatever can be awaited would be awaited.
      if (typeof key === "symbol" || key === "then") return undefined;
      const child = make(call, path === "" ? key : `${path}.${key}`);
      fix(target, key, child);
      return child;
    },
    set: () => false,
    getPrototypeOf: () => Function.prototype,
  });
  return Object.setPrototypeOf(target, prototype) as object;
}

function fix(target: object, key: Key, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: false, configurable: true });
}
