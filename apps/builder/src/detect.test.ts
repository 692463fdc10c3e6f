import { expect, test } from "vitest";
import { detect } from "./detect.ts";
import { TestFolder } from "./testing.ts";

const pkg = (value: object): string => JSON.stringify(value);

const CASES: [string, Record<string, string>, object][] = [
  [
    "a Node app with a lock file is installed with npm ci",
    { "package.json": pkg({ scripts: { start: "node a.js" } }), "package-lock.json": "{}" },
    { provider: "node", steps: ["npm ci"], web: "exec node a.js" },
  ],
  [
    "a Node app with dependencies and no lock file is installed with npm install",
    { "package.json": pkg({ main: "lib/x.js", dependencies: { a: "1" } }), "lib/x.js": "" },
    { provider: "node", steps: ["npm install"], web: "exec node lib/x.js" },
  ],
  [
    "a Node app without dependencies is not installed, and its build script is run",
    { "package.json": pkg({ scripts: { build: "tsc" } }), "server.js": "" },
    { provider: "node", steps: ["npm run"], web: "exec node server.js" },
  ],
  [
    "a start script with a prestart is left to npm",
    { "package.json": pkg({ scripts: { prestart: "true", start: "node a.js" } }) },
    { provider: "node", steps: [], web: "exec npm start" },
  ],
  [
    "a Node app with only a build script is served from dist",
    { "package.json": pkg({ scripts: { build: "vite build" } }) },
    { provider: "static", steps: ["npm run"], web: "exec node .zeroplane/static-server.mts dist" },
  ],
  [
    "a lone index.js is a Node app",
    { "index.js": "" },
    { provider: "node", web: "exec node index.js" },
  ],
  [
    "a Python app of the standard library has no steps",
    { "app.py": "" },
    { provider: "python", steps: [], web: "exec python3 app.py" },
  ],
  [
    "Python wheels in vendor are installed without an index",
    { "main.py": "", "requirements.txt": "x==1\n", "vendor/x-1-py3-none-any.whl": "" },
    { provider: "python", steps: ["--no-index --find-links vendor -r requirements.txt"] },
  ],
  [
    "requirements.txt with only comments installs nothing",
    { "main.py": "", "requirements.txt": "# none\n" },
    { provider: "python", steps: [] },
  ],
  [
    "a pyproject.toml with dependencies installs the project",
    { "server.py": "", "pyproject.toml": '[project]\nname = "x"\ndependencies = ["y"]\n' },
    { provider: "python", steps: ["--target .python-packages ."] },
  ],
  [
    "public/index.html is a static site",
    { "public/index.html": "" },
    { provider: "static", steps: [], web: "exec node .zeroplane/static-server.mts public" },
  ],
  [
    "a Procfile names the command and more processes",
    { "server.js": "", Procfile: "# x\nweb: FOO=1 node b.js\nworker: node w.js\n" },
    { provider: "node", web: "FOO=1 node b.js", worker: "exec node w.js" },
  ],
  [
    "zeroplane.json beats Procfile and the build script",
    {
      "package.json": pkg({ scripts: { build: "tsc", start: "node a.js" } }),
      Procfile: "web: node b.js",
      "zeroplane.json": pkg({ build: ["make a", "make b"], start: "node c.js" }),
    },
    { provider: "node", steps: ["make a", "make b"], web: "exec node c.js" },
  ],
  [
    "anything with a start command in zeroplane.json is a custom app",
    { "zeroplane.json": pkg({ start: "./run | cat", health: { path: "/up", timeoutMs: 100 } }) },
    { provider: "custom", web: "./run | cat", health: { path: "/up", timeoutMs: 100 } },
  ],
];

test.each(CASES)("%s", async (_name, files, expected) => {
  await using folder = await TestFolder.make();
  const plan = await detect(await folder.write(files));
  const want = expected as {
    provider: string;
    steps?: string[];
    web?: string;
    worker?: string;
    health?: object;
  };
  expect(plan.provider).toBe(want.provider);
  expect(plan.evidence.length).toBeGreaterThan(0);
  expect(plan.processes.web).toMatch(new RegExp(`${RegExp.escape(want.web ?? "")}$`));
  expect(plan.processes["worker"]?.endsWith(want.worker ?? "") ?? want.worker === undefined).toBe(
    true,
  );
  if (want.health !== undefined) expect(plan.health).toEqual(want.health);
  const commands = plan.steps.map((step) => step.command.join(" "));
  if (want.steps === undefined) return;
  expect(commands).toHaveLength(want.steps.length);
  for (const [index, part] of want.steps.entries()) expect(commands[index]).toContain(part);
});

const REFUSED: [string, Record<string, string>, string, RegExp][] = [
  [
    "an empty source",
    {},
    "ERR_BUILD_DETECT",
    /source is empty; looked for package\.json.*index\.html/,
  ],
  ["an unknown source", { "a.txt": "" }, "ERR_BUILD_DETECT", /found only a\.txt; looked for/],
  [
    "a package without a start",
    { "package.json": "{}" },
    "ERR_BUILD_DETECT",
    /nothing tells how to start/,
  ],
  [
    "a broken package.json",
    { "package.json": "{" },
    "ERR_BUILD_CONFIG",
    /package\.json is not valid JSON/,
  ],
  ["a broken Procfile", { Procfile: "node a.js" }, "ERR_BUILD_CONFIG", /Procfile line 1/],
  [
    "an unknown field",
    { "zeroplane.json": '{"strat":"x"}' },
    "ERR_BUILD_CONFIG",
    /unknown field "strat"/,
  ],
  [
    "a wrong field",
    { "zeroplane.json": '{"build":"x"}' },
    "ERR_BUILD_CONFIG",
    /"build" must be a list/,
  ],
  [
    "a wrong health path",
    { "zeroplane.json": '{"health":{"path":"up"}}' },
    "ERR_BUILD_CONFIG",
    /health\.path/,
  ],
];

test.each(REFUSED)("%s is refused with what to do", async (_name, files, code, message) => {
  await using folder = await TestFolder.make();
  const error = await detect(await folder.write(files)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, phase: "detect", retryable: false });
  expect(error).toHaveProperty("message", expect.stringMatching(message));
  if (code === "ERR_BUILD_DETECT")
    expect(error).toHaveProperty("hint", expect.stringContaining("start"));
});
