export type { Console } from "./wiring.ts";
