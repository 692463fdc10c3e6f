export { type Arrangement, arrange } from "./arrange.ts";
export { awaitedMsOf } from "./awaited.ts";
export { type FailedNode, type Failure, failuresOf } from "./failures.ts";
export { LOST, type NamedNode, NONE, type Node, nowhere, type Part } from "./node.ts";
export { selfTimes, selfTimesByName, type TimedByName } from "./self-time.ts";
export {
  packSkeleton,
  readSkeleton,
  type Skeleton,
  type SkeletonFailure,
  type SkeletonOperation,
} from "./skeleton.ts";
export { type SpanTree, treeOf } from "./tree.ts";
