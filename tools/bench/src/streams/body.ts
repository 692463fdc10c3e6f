/** What each message carries. */
export const BODY = new Uint8Array(100).fill(7);
export const TOPIC = "prices";
export const NAME = "bench";
