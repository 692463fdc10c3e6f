import { hostname } from "node:os";

/** What the name of a file of a spool says: `host.pid.boot.number.zps`. */
export interface SpoolName {
  readonly name: string;
  readonly host: string;
  /** Of the process that writes it, or sends it. */
  readonly pid: number;
  readonly boot: string;
  /** Rises with each file of one life. */
  readonly number: number;
}

const PATTERN = /^([\w-]+)\.(\d+)\.([\w-]+)\.(\d+)\.zps$/;

/** This host, as names of files have it. */
export const HOST = hostname().replaceAll(/[^\w-]/g, "_");

/** Name of a file that this process has. */
export const spoolName = (boot: string, number: number): string =>
  `${HOST}.${process.pid}.${boot}.${number}.zps`;

/** `undefined` for a file that is none of a spool. */
export function parseSpoolName(name: string): SpoolName | undefined {
  const [, host, pid, boot, number] = PATTERN.exec(name) ?? [];
  if (host === undefined || boot === undefined) return undefined;
  return { name, host, pid: Number(pid), boot, number: Number(number) };
}
