import { PatternError } from "../errors.ts";

/** The error for what the file system has thrown about the log in `folder`. */
export function storeFault(folder: string, cause: unknown): PatternError {
  if (cause instanceof PatternError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT"
    ? new PatternError("ERR_STORE_FULL", `no room on the disk of ${folder}: free some`, { cause })
    : new PatternError("ERR_STORE", `the log in ${folder}: ${message}`, { cause });
}
