/** A set of measurements that make one report. */
export interface Suite<Report extends SuiteReport = SuiteReport> {
  run(isQuick: boolean): Promise<Report>;
  /** The report for people. */
  table(report: Report): string;
}

/** What every report has. A ratio is ours over theirs. */
export interface SuiteReport {
  readonly suite: string;
  readonly ratios: object;
}
