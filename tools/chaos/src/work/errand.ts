/** What a job of these suites carries. */
export interface Errand {
  readonly number: number;
  /** Milliseconds it takes. */
  readonly ms?: number;
  /** The handler blocks the loop for so long, milliseconds. */
  readonly blockMs?: number;
  /** How the handler takes its process with it. */
  readonly kills?: "abort" | "exit";
  readonly throws?: boolean;
}

export const QUEUE = "chaos";
