export { type Arrangement, arrange, type Node, nowhere, type Part } from "./arrange.ts";
export { awaitedMsOf } from "./awaited.ts";
export { type FailedNode, type Failure, failuresOf } from "./failures.ts";
