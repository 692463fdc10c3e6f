/** A dialer in a process of its own: sends a numbered record every 5 ms, ends with its parent. */
import { dial } from "@zeroplane/link";

const VERB = 1;
const session = dial(process.argv[2] ?? "");
let index = 0;
setInterval(() => {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(process.pid, 0);
  body.writeUInt32BE(index++, 4);
  session.send(VERB, body);
}, 5);
process.once("disconnect", () => process.exit(0));
