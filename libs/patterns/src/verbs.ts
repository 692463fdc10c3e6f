/** The verbs of the link that patterns use; rpc has 1. */
export const VERB_WORK = 2;
export const VERB_FEED = 3;
export const VERB_STATE = 4;
export const VERB_PEERS = 5;
