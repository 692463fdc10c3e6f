export {
  CALLS_KIND,
  type RecordedCall,
  type RecordedCalls,
  type RowAttributes,
  readCallRows,
} from "./call-rows.ts";
export { ATTR_MISSED } from "./names.ts";
export {
  OPEN_KIND,
  type OpenReport,
  type OpenSpan,
  readOpenReport,
  type SpoolHole,
} from "./open-report.ts";
export { SPANS_KIND } from "./outlet.ts";
