/** Type names of the language's own libraries that no value carries. */
const TYPES_ONLY = `
Record Partial Required Readonly Pick Omit Exclude Extract NonNullable Parameters
ConstructorParameters ReturnType InstanceType Awaited NoInfer ThisType ThisParameterType
OmitThisParameter Uppercase Lowercase Capitalize Uncapitalize PropertyKey PromiseLike ArrayLike
ReadonlyArray ReadonlyMap ReadonlySet AsyncIterable AsyncIterableIterator AsyncIterator
AsyncGenerator AsyncIteratorObject Iterable IterableIterator Iterator Generator IteratorObject
IteratorResult IteratorYieldResult IteratorReturnResult PropertyDescriptor PropertyDescriptorMap
TemplateStringsArray ErrorOptions ArrayBufferLike ArrayBufferView Disposable AsyncDisposable
PromiseSettledResult PromiseFulfilledResult PromiseRejectedResult RegExpMatchArray RegExpExecArray
BufferEncoding NodeJS
`;

const known = new Set([
  ...TYPES_ONLY.trim().split(/\s+/),
  ...Object.getOwnPropertyNames(globalThis),
]);

/** True for a type name that every TypeScript program for Node knows. */
export function isGlobalType(name: string): boolean {
  return known.has(name);
}
