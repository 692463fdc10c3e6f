/** `npm run bench -- rpc [--quick] [--json]`: measures us beside others, in one run, interleaved. */
import { parseArgs } from "node:util";
import { type Row, runRpc } from "./suites/rpc.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const [suite = "rpc"] = positionals;
if (suite === "rpc") {
  const report = await runRpc(values.quick ? { rounds: 3, ms: 700 } : { rounds: 7, ms: 1_500 });
  process.stderr.write(`${table(report.rows)}\n`);
  process.stdout.write(`${JSON.stringify(values.json ? report : report.ratios)}\n`);
} else {
  process.stderr.write(`no suite ${JSON.stringify(suite)}; there is: rpc\n`);
  process.exitCode = 2;
}

function table(rows: readonly Row[]): string {
  const head = "in flight  peer          calls/s   spread              p50 us   p99 us";
  const lines = rows.map(({ inFlight, peer, perSecond, spread, p50Us, p99Us }) =>
    [
      String(inFlight).padStart(9),
      peer.padEnd(12),
      String(perSecond).padStart(8),
      spread.join("-").padEnd(18),
      String(p50Us).padStart(7),
      String(p99Us).padStart(7),
    ].join("  "),
  );
  return [head, ...lines].join("\n");
}
