import { spawn } from "node:child_process";

const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/**
 * Opens a page in the user's browser.
 * @param onFailure when there is none that could
 */
export function openPage(url: string, onFailure: () => void): void {
  const [program = "xdg-open", ...args] = PROGRAMS[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", onFailure);
  child.unref();
}
