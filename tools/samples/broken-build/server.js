import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const server = createServer(async (_request, response) => {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(await readFile("pages/home.html"));
});

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? "127.0.0.1");
