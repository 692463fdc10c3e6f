// Waits for a database that never answers, and so never listens: this start is meant to fail.
import { setTimeout as sleep } from "node:timers/promises";

console.log(`asked to listen on port ${process.env.PORT}`);
for (let attempt = 1; ; attempt++) {
  console.log(`waiting for the database, attempt ${attempt}`);
  await sleep(1000);
}
