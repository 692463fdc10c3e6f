/** What each job carries: about 200 bytes. */
export const PAYLOAD = { to: "somebody@example.org", text: "x".repeat(160) };
