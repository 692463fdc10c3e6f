import type { ServiceEdge, ServiceMap } from "../api.ts";
import { missedOf } from "./missed.ts";
import { type Range, rangeOf } from "./range.ts";
import type { Readers } from "./readers.ts";

const CONSUMER = 5;

const NODES = `SELECT o.service, sum(weight) AS n, sum(weight * (status = 2)) AS errors
  FROM spans s JOIN ops o ON o.id = s.op WHERE RANGE GROUP BY o.service`;

const SUMS = `count(*) AS n, sum(s.status = 2) AS errors, avg(s.duration_ns) AS took,
  avg(s.start_us - p.start_us) AS lag`;

const CALLS = `SELECT po.service AS a, o.service AS b, o.kind = ${CONSUMER} AS job, ${SUMS}
  FROM spans s JOIN ops o ON o.id = s.op JOIN spans p ON p.trace_id = s.trace_id AND p.span_id = s.parent_id
  JOIN ops po ON po.id = p.op
  WHERE RANGE AND (po.service <> o.service OR o.kind = ${CONSUMER}) GROUP BY 1, 2, 3`;

const FEEDS = `SELECT po.service AS a, o.service AS b, 2 AS job, ${SUMS}
  FROM links l JOIN spans s ON s.trace_id = l.trace_id AND s.span_id = l.span_id JOIN ops o ON o.id = s.op
  JOIN spans p ON p.trace_id = l.to_trace AND p.span_id = l.to_span JOIN ops po ON po.id = p.op
  WHERE RANGE AND po.service <> o.service GROUP BY 1, 2`;

const EDGE_KINDS = ["call", "job", "feed"] as const;

/** Services of a range and who reaches whom; both ends of an edge started in the same hour. */
export function serviceMap(readers: Readers, range: Range): ServiceMap {
  const { where, parameters } = rangeOf(range);
  const services = new Map<string, { service: string; spans: number; errors: number }>();
  for (const row of readers.rows(NODES.replace("RANGE", where), parameters, range)) {
    const service = String(row["service"]);
    const node = services.get(service) ?? { service, spans: 0, errors: 0 };
    services.set(service, node);
    node.spans += Math.round(Number(row["n"]));
    node.errors += Math.round(Number(row["errors"]));
  }
  const edges = new Map<string, ServiceEdge>();
  for (const sql of [CALLS, FEEDS]) {
    for (const row of readers.rows(sql.replace("RANGE", where), parameters, range)) {
      const edge: ServiceEdge = {
        from: String(row["a"]),
        to: String(row["b"]),
        kind: EDGE_KINDS[Number(row["job"])] ?? "call",
        count: Number(row["n"]),
        errors: Number(row["errors"]),
        averageMs: Number(row["took"]) / 1e6,
        lagMs: Number(row["lag"]) / 1_000,
        missed: 0,
      };
      edges.set(keyOf(edge), merged(edges.get(keyOf(edge)), edge));
    }
  }
  const hasFeeds = [...edges.values()].some(({ kind }) => kind === "feed");
  for (const { from, to, missed } of hasFeeds ? missedOf(readers, range) : []) {
    const edge = edges.get(keyOf({ from, to, kind: "feed" }));
    if (edge !== undefined) edges.set(keyOf(edge), { ...edge, missed: edge.missed + missed });
  }
  return { services: [...services.values()], edges: [...edges.values()] };
}

const keyOf = ({ from, to, kind }: Pick<ServiceEdge, "from" | "to" | "kind">): string =>
  JSON.stringify([from, to, kind]);

function merged(a: ServiceEdge | undefined, b: ServiceEdge): ServiceEdge {
  if (a === undefined) return b;
  const count = a.count + b.count;
  const mean = (of: "averageMs" | "lagMs"): number => (a[of] * a.count + b[of] * b.count) / count;
  return {
    ...b,
    count,
    errors: a.errors + b.errors,
    averageMs: mean("averageMs"),
    lagMs: mean("lagMs"),
  };
}
