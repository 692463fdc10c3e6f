import { fileURLToPath } from "node:url";
import express from "express";

const port = Number(process.env.PORT ?? 3000);
const host = process.env.HOST ?? "127.0.0.1";
const app = process.env.ZP_APP ?? "node-express";
const release = process.env.ZP_RELEASE ?? "local";
const instance = process.env.ZP_INSTANCE ?? "local";
let requests = 0;

const web = express();
web.disable("x-powered-by");

web.use((request, response, next) => {
  const startedMs = performance.now();
  const number = ++requests;
  response.on("finish", () => {
    const ms = (performance.now() - startedMs).toFixed(1);
    console.log(`#${number} ${request.method} ${request.url} ${response.statusCode} ${ms} ms`);
  });
  next();
});

web.get("/", (_request, response) => {
  response.sendFile(fileURLToPath(new URL("./page.html", import.meta.url)));
});

web.get("/status", (_request, response) => {
  const uptimeSeconds = Math.round(process.uptime());
  response.json({ app, release, instance, requests, uptimeSeconds, node: process.version });
});

web.get("/health", (_request, response) => {
  response.type("text").send("ok\n");
});

web.use((request, response) => {
  response.status(404).json({ error: `nothing at ${request.path}` });
});

const server = web.listen(port, host, (error) => {
  if (error) throw error;
  console.log(`${app} release ${release} listens on http://${host}:${port}`);
});

process.on("SIGTERM", () => {
  console.log(`${app} release ${release} finishes after ${requests} requests`);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
