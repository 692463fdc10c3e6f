export { parseArguments } from "./arguments.ts";
export { methodOf, type Parameter } from "./description.ts";
