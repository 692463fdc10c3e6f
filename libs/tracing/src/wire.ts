export {
  CALLS_KIND,
  type RecordedCall,
  type RecordedCalls,
  type RowAttributes,
  readCallRows,
} from "./call-rows.ts";
export { SPANS_KIND } from "./outlet.ts";
