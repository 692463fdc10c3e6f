import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { FastifyInstance, FastifyReply } from "fastify";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const SECURITY = {
  "content-security-policy": "default-src 'self'",
  "x-content-type-options": "nosniff",
};
const NAME = /^[\w-]+\.(js|css)$/;

/** Serves the trace pages, built, from `folder`: every address below `/traces` is drawn by their script. */
export function addPageRoutes(app: FastifyInstance, folder: string): void {
  const send = async (reply: FastifyReply, file: string): Promise<FastifyReply> => {
    const bytes = await readFile(join(folder, file));
    return reply
      .headers(SECURITY)
      .type(TYPES[extname(file)] ?? "text/plain")
      .send(bytes);
  };
  app.get("/", (_request, reply) => reply.redirect("/traces"));
  app.get("/icon.svg", (_request, reply) => send(reply, "icon.svg"));
  for (const path of ["/traces", "/traces/*"]) {
    app.get(path, (_request, reply) => send(reply, "index.html"));
  }
  app.get<{ Params: { name: string } }>("/assets/:name", (request, reply) => {
    const { name } = request.params;
    if (!NAME.test(name)) return reply.callNotFound();
    return send(reply, join("assets", name)).catch(() => reply.callNotFound());
  });
}
