import { execFile } from "node:child_process";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { usage } from "../cli-error.ts";
import { IgnoreRules } from "./ignore-rules.ts";

/** One file of a source. */
export interface SourceFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Most files of one source. */
export const FILES_MAX = 100_000;

const SKIPPED = new Set([".git", "node_modules", ".zeroplane"]);
const GIT_OUTPUT_MAX = 64 * 1024 * 1024;
const run = promisify(execFile);

/**
 * The files of `dir` that are deployed, sorted: what git would keep, when the folder is in a git
 * repository, else what its `.gitignore` files do not ignore. Never `.git`, `node_modules` and
 * `.zeroplane`; links are kept as links.
 * @throws CliError ERR_CLI_USAGE over {@link FILES_MAX} files
 */
export async function sourceFiles(dir: string): Promise<SourceFile[]> {
  // A folder that the repository around it ignores has no files for git; deployed, it has.
  const listed = await gitFiles(dir);
  const found = listed.length > 0 ? await present(dir, listed) : await walk(dir);
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function gitFiles(dir: string): Promise<string[]> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  try {
    const { stdout } = await run("git", args, { cwd: dir, maxBuffer: GIT_OUTPUT_MAX });
    const paths = new Set(stdout.split("\0").filter((path) => path !== ""));
    return [...paths].filter((path) => !path.split("/").some((part) => SKIPPED.has(part)));
  } catch {
    return []; // no git here, or no repository
  }
}

async function present(dir: string, paths: readonly string[]): Promise<SourceFile[]> {
  checkCount(paths.length);
  const files: SourceFile[] = [];
  for (const path of paths) {
    const stat = await lstat(join(dir, path)).catch(() => undefined);
    if (stat?.isFile() || stat?.isSymbolicLink()) files.push({ path, sizeBytes: stat.size });
    // A submodule, or a repository inside of this one, is listed as a folder.
    else if (stat?.isDirectory()) {
      const inner = await sourceFiles(join(dir, path));
      const base = path.replace(/\/$/, "");
      files.push(...inner.map((each) => ({ ...each, path: `${base}/${each.path}` })));
    }
  }
  return files;
}

interface Folder {
  readonly path: string;
  /** Rules on the way down, with the folder they stand in. */
  readonly rules: readonly { readonly base: string; readonly rules: IgnoreRules }[];
}

async function walk(dir: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const folders: Folder[] = [{ path: "", rules: [] }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const here = await withOwnRules(dir, folder);
    for (const entry of await readdir(join(dir, folder.path), { withFileTypes: true })) {
      const path = folder.path === "" ? entry.name : `${folder.path}/${entry.name}`;
      if (SKIPPED.has(entry.name) || isIgnored(here, path, entry.isDirectory())) continue;
      if (entry.isDirectory()) folders.push({ path, rules: here.rules });
      else if (entry.isFile() || entry.isSymbolicLink()) {
        files.push({ path, sizeBytes: (await lstat(join(dir, path))).size });
        checkCount(files.length);
      }
    }
  }
  return files;
}

async function withOwnRules(dir: string, folder: Folder): Promise<Folder> {
  const file = join(dir, folder.path, ".gitignore");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return folder;
  const own = { base: folder.path, rules: new IgnoreRules(text) };
  return { ...folder, rules: [...folder.rules, own] };
}

/** The innermost file that says anything decides. */
function isIgnored({ rules }: Folder, path: string, isDirectory: boolean): boolean {
  for (const { base, rules: each } of rules.toReversed()) {
    const relative = base === "" ? path : path.slice(base.length + 1);
    const verdict = each.ignores(relative, isDirectory);
    if (verdict !== undefined) return verdict;
  }
  return false;
}

function checkCount(count: number): void {
  if (count <= FILES_MAX) return;
  throw usage(
    `the folder has more than ${FILES_MAX} files; name those to leave out in a .gitignore`,
  );
}
