/** The body of an echo, in the form that a peer carries without a further encoding. */
export interface Payload {
  readonly bytes: Buffer;
  /** As long, for peers that speak JSON. */
  readonly text: string;
}

/** One way to call in another process: `add(a, b)`, an echo, and a stream of numbers. */
export interface Peer {
  readonly name: string;
  /** Serves until the process ends. @returns where */
  serve(): Promise<string>;
  connect(endpoint: string): Promise<Client>;
  /** Why it cannot run on this machine. */
  missing?(): string | undefined;
}

/** The calling side of a peer. */
export interface Client {
  call(a: number, b: number): Promise<number>;
  echo(body: Payload): Promise<unknown>;
  /** The numbers from 0 up to `count`, one item each; only peers that have streams. */
  items?(count: number): AsyncIterable<unknown>;
  close(): Promise<void>;
}
