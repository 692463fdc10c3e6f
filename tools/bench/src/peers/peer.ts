/** One way to call `add(a, b)` in another process. */
export interface Peer {
  readonly name: string;
  /** Serves until the process ends. @returns where */
  serve(): Promise<string>;
  connect(endpoint: string): Promise<Client>;
}

/** The calling side of a peer. */
export interface Client {
  call(a: number, b: number): Promise<number>;
  close(): Promise<void>;
}
